import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foremostOutcome, foremostPhase, nextPhase, REST_PHASES, SETTLING_OUTCOMES, TRANSITIONS, type Outcome, type Phase, type PhaseEvent } from '../../src/domain/phase.js';

const PHASES = Object.keys(TRANSITIONS) as Phase[];
/** In these something beside or in the live state may be half done. */
const WRITING: readonly Phase[] = ['staging', 'validating', 'finalizing', 'kept', 'verifying', 'rolling-back'];
/** From the switch on, going back means putting back what was live. */
const SWITCHED: readonly Phase[] = ['finalizing', 'verifying', 'soaking'];
const STORY: readonly Phase[] = ['deciding', 'awaiting-approval', 'waiting', 'staging', 'validating', 'finalizing', 'verifying', 'soaking', 'closed'];

function edges(): { from: Phase; event: PhaseEvent; to: Phase }[] {
  return PHASES.flatMap((from) => (Object.entries(TRANSITIONS[from]) as [PhaseEvent, Phase][]).map(([event, to]) => ({ from, event, to })));
}

/** Every phase that can be reached without any of these events. */
function reachable(start: Phase, without: readonly PhaseEvent[] = []): ReadonlySet<Phase> {
  const seen = new Set<Phase>([start]);
  for (let before = 0; before !== seen.size;) {
    before = seen.size;
    for (const edge of edges()) if (seen.has(edge.from) && !without.includes(edge.event)) seen.add(edge.to);
  }
  return seen;
}

describe('the phase table', () => {
  it('has no way out of closed', () => {
    expect(TRANSITIONS.closed).toEqual({});
  });

  it.each(PHASES)('%s reaches closed, so that nothing ends silently', (phase) => {
    expect(reachable(phase).has('closed')).toBe(true);
  });

  it.each(PHASES.filter((phase) => phase !== 'deciding'))('%s is reached from deciding, or nobody needs it', (phase) => {
    expect(reachable('deciding').has(phase)).toBe(true);
  });

  it('rests only where nothing external is under way', () => {
    for (const phase of REST_PHASES) expect(WRITING).not.toContain(phase);
    expect(REST_PHASES).not.toContain('soaking');
  });

  it('writes nothing that was asked about before it is approved', () => {
    // `moved` decides again: what follows belongs to another question.
    const without = reachable('awaiting-approval', ['approved', 'moved']);
    for (const phase of [...WRITING, 'waiting' as const, 'soaking' as const]) expect(without.has(phase)).toBe(false);
    const held = reachable('observed', ['approved', 'moved']);
    for (const phase of WRITING) expect(held.has(phase)).toBe(false);
  });

  it('writes nothing before the slot is granted', () => {
    const without = reachable('deciding', ['slot-granted']);
    for (const phase of WRITING) expect(without.has(phase)).toBe(false);
  });

  it('once switched, goes back only through rolling-back, save that a drift which moved again is decided again', () => {
    for (const { from, event, to } of edges().filter((edge) => SWITCHED.includes(edge.from))) {
      const onwards = STORY.indexOf(to) > STORY.indexOf(from);
      const again = event === 'moved' && to === 'deciding' && from !== 'finalizing';
      // The switch was not begun: a gate closed before it.
      const kept = event === 'kept' && from === 'finalizing';
      expect(onwards || to === 'rolling-back' || again || kept, `${from} --${event}--> ${to}`).toBe(true);
    }
  });

  it('a staged repair goes on or is rolled back: unhealthy, failed and cancelled never leave it standing', () => {
    for (const phase of ['staging', 'validating', 'finalizing', 'kept', 'verifying', 'soaking'] as const) {
      for (const event of ['failed', 'cancelled'] as const) expect(nextPhase(phase, event), `${phase} ${event}`).toBe('rolling-back');
    }
    for (const phase of ['validating', 'verifying', 'soaking'] as const) expect(nextPhase(phase, 'unhealthy')).toBe('rolling-back');
  });

  it('validates before it finalizes, and verifies and soaks before it closes as fixed', () => {
    expect(edges().filter((edge) => edge.to === 'finalizing').map((edge) => edge.from)).toEqual(['validating', 'kept']);
    expect(edges().filter((edge) => edge.to === 'kept' && edge.from !== 'kept')).toEqual([{ from: 'finalizing', event: 'kept', to: 'kept' }]);
    expect(edges().filter((edge) => edge.to === 'soaking').map((edge) => edge.from)).toEqual(['verifying']);
    expect(edges().filter((edge) => edge.event === 'soaked')).toEqual([{ from: 'soaking', event: 'soaked', to: 'closed' }]);
  });

  it('what is kept is switched with a slot, or unstaged: nothing else becomes of it', () => {
    expect(edges().filter((edge) => edge.from === 'kept' && edge.to !== 'kept').map(({ event, to }) => ({ event, to }))).toEqual([
      { event: 'slot-granted', to: 'finalizing' }, { event: 'gate-closed', to: 'rolling-back' }, { event: 'failed', to: 'rolling-back' }, { event: 'cancelled', to: 'rolling-back' },
    ]);
    expect(REST_PHASES).not.toContain('kept');
  });

  it('can be stopped by a cancellation from every phase in which time passes', () => {
    for (const phase of PHASES.filter((each) => each !== 'closed' && each !== 'rolling-back')) {
      expect(['closed', 'rolling-back']).toContain(nextPhase(phase, 'cancelled'));
    }
  });

  it('only a question that waits for a person expires', () => {
    expect(edges().filter((edge) => edge.event === 'expired').map((edge) => edge.from)).toEqual(['awaiting-approval']);
  });

  it('an event that is not listed changes nothing', () => {
    const events = [...new Set(edges().map((edge) => edge.event))];
    fc.assert(fc.property(fc.constantFrom(...PHASES), fc.constantFrom(...events), (phase, event) => {
      expect(nextPhase(phase, event)).toBe(TRANSITIONS[phase][event] ?? phase);
    }));
  });

  it('any walk of events that ends in closed stays there', () => {
    const events = [...new Set(edges().map((edge) => edge.event))];
    fc.assert(fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (walk) => {
      let phase: Phase = 'deciding';
      for (const event of walk) {
        const next = nextPhase(phase, event);
        if (phase === 'closed') expect(next).toBe('closed');
        phase = next;
      }
    }));
  });
});

describe('what an incident with several parts shows', () => {
  it.each<{ phases: Phase[]; shown: Phase; reason: string }>([
    { phases: [], shown: 'closed', reason: 'no part is left' },
    { phases: ['soaking', 'awaiting-approval'], shown: 'awaiting-approval', reason: 'a person is needed' },
    { phases: ['awaiting-approval', 'rolling-back'], shown: 'rolling-back', reason: 'something is being put back' },
    { phases: ['closed', 'observed'], shown: 'observed', reason: 'one part is still open' },
    { phases: ['waiting', 'staging'], shown: 'staging', reason: 'what moves before what waits' },
  ])('$phases shows $shown: $reason', ({ phases, shown }) => {
    expect(foremostPhase(phases)).toBe(shown);
  });

  it.each<{ outcomes: Outcome[]; listed: Outcome; reason: string }>([
    { outcomes: [], listed: 'cleared', reason: 'there was nothing to do' },
    { outcomes: ['fixed', 'cleared'], listed: 'fixed', reason: 'something was repaired' },
    { outcomes: ['fixed', 'rolled-back'], listed: 'rolled-back', reason: 'the worst is listed' },
    { outcomes: ['rejected', 'needs-human', 'fixed'], listed: 'needs-human', reason: 'never hidden behind a success' },
    { outcomes: ['terminated', 'expired'], listed: 'terminated', reason: 'ended from outside' },
  ])('$outcomes is listed as $listed: $reason', ({ outcomes, listed }) => {
    expect(foremostOutcome(outcomes)).toBe(listed);
  });

  it.each(PHASES)('knows where %s comes', (phase) => {
    expect(foremostPhase([phase])).toBe(phase);
  });

  it.each<Outcome>(['fixed', 'rolled-back', 'adopted', 'accepted', 'rejected', 'expired', 'cleared', 'needs-human', 'cancelled', 'terminated'])('knows where %s comes', (outcome) => {
    expect(foremostOutcome([outcome])).toBe(outcome);
  });

  it('settles every outcome that leaves the drift there, and none that ends it', () => {
    expect([...SETTLING_OUTCOMES].sort()).toEqual(['accepted', 'cancelled', 'expired', 'needs-human', 'rejected', 'rolled-back', 'terminated']);
  });
});
