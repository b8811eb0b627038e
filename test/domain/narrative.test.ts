import { describe, expect, it } from 'vitest';
import { narrate, type Narrated, type NarratedPart } from '../../src/domain/narrative.js';
import type { Outcome } from '../../src/domain/phase.js';

function part(overrides: Partial<NarratedPart> = {}): NarratedPart {
  return {
    part: 1, outcome: 'fixed', decision: 'ask', reason: 'after the soak a read equals the desired state', brief: 'etc/app.yaml /port', rules: ['remediation: ask'],
    writes: ['staged at 10:01', 'finalized at 10:02'], measured: ['switch healthy at 10:03'], values: [{ place: 'etc/app.yaml /port', desired: '1', actual: '2' }], ...overrides,
  };
}

function told(outcome: Outcome, overrides: Partial<Narrated> = {}, one: Partial<NarratedPart> = {}): string {
  return narrate({
    incident: 'prod/storefront#12', kind: 'drift', firstSeen: '2026-11-02T09:00:00Z', openedAt: '2026-11-02T09:15:00Z', closedAt: '2026-11-02T10:00:00Z',
    outcome, parts: [part({ outcome, ...one })], ...overrides,
  });
}

describe('the narrative', () => {
  it('says what drifted, since when, what was decided by whom and why, what was done and measured, and what to do next', () => {
    const text = told('fixed', {}, { approvedBy: 'alice (unverified)', approvedAt: '2026-11-02T09:30:00Z' });
    expect(text.split('\n')).toEqual([
      'prod/storefront#12 ended: fixed.',
      'Seen since 2026-11-02T09:00:00Z; opened 2026-11-02T09:15:00Z, closed 2026-11-02T10:00:00Z.',
      '',
      'Part 1, fixed: etc/app.yaml /port.',
      'Decided ask (remediation: ask).',
      'Approved by alice (unverified) at 2026-11-02T09:30:00Z.',
      'Done: staged at 10:01; finalized at 10:02.',
      'Measured: switch healthy at 10:03.',
      'Ended so because: after the soak a read equals the desired state.',
      '',
      'What to do next:',
      '- To undo it while its snapshot is kept: holdfast rollback prod/storefront#12 --reason WHY',
    ]);
  });

  it.each<{ outcome: Outcome; next: RegExp | undefined; reason: string }>([
    { outcome: 'rejected', next: /make it the desired state/, reason: 'the drift stays' },
    { outcome: 'accepted', next: /left alone until/, reason: 'the drift stays for a while' },
    { outcome: 'expired', next: /holdfast retry prod\/storefront#12/, reason: 'nobody answered' },
    { outcome: 'needs-human', next: /holdfast release prod\/storefront --gate needs-human/, reason: 'it must be repaired by hand' },
    { outcome: 'terminated', next: /look at what was left half done/, reason: 'it ended from outside' },
    { outcome: 'cleared', next: undefined, reason: 'there is nothing to do' },
    { outcome: 'cancelled', next: undefined, reason: 'whoever cancelled knows' },
  ])('$outcome: the next step, because $reason', ({ outcome, next }) => {
    const text = told(outcome);
    expect(text).toContain(`ended: ${outcome}.`);
    if (next === undefined) expect(text).not.toContain('What to do next');
    else expect(text).toMatch(next);
  });

  it('calls a rollback to what is healthy a hotfix to adopt, and shows the value to keep', () => {
    const text = told('rolled-back', { healthyAfterRollback: true });
    expect(text).toContain('looks like a hotfix to adopt');
    expect(text).toContain('etc/app.yaml /port: live is 2, desired says 1');
    expect(text).toContain('holdfast release prod/storefront --gate quarantine');
  });

  it('blames the desired state when it moved since the last clean look, because live was never touched', () => {
    const text = told('rolled-back', { healthyAfterRollback: true, desiredMoved: true });
    expect(text).not.toContain('hotfix');
    expect(text).toContain('Correct the desired state');
  });

  it.each([{ healthyAfterRollback: false }, {}])('calls nothing a hotfix when what is live is not known to be healthy: %j', (health) => {
    const text = told('rolled-back', health);
    expect(text).not.toContain('hotfix');
    expect(text).toContain('the same repair is not tried again');
  });

  it('an undo is no hotfix: somebody wanted the drift back', () => {
    const text = told('rolled-back', { kind: 'undo', healthyAfterRollback: true });
    expect(text).not.toContain('hotfix');
    expect(text).toContain('The drift is back as it was and is left alone.');
  });

  it('a blind incident says that nothing could be read', () => {
    expect(told('cleared', { kind: 'blind', parts: [] })).toContain('could not be read');
  });

  it('tells every part', () => {
    const text = told('rejected', { parts: [part(), part({ part: 2, outcome: 'rejected', brief: 'etc/motd' })] });
    expect(text).toContain('Part 1, fixed: etc/app.yaml /port.');
    expect(text).toContain('Part 2, rejected: etc/motd.');
  });
});
