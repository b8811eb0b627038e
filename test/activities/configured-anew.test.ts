import { describe, expect, it } from 'vitest';
import type { AssessedPart, Assessment } from '../../src/activities/types.js';
import type { Approvals, Config, Environment } from '../../src/config/config.js';
import type { Target } from '../../src/domain/target.js';
import { allow } from '../domain/gates/windows.js';
import { rule } from '../policy/rules.js';
import { FIRST, only, openBench, openIncident, refOf, RUN, standing, type Bench, type BenchOptions } from './bench.js';

const PEOPLE: NonNullable<Config['people']> = {
  principals: ['alice', 'bob', 'carol', 'dave'].map((name) => ({ name, keys: [], aliases: [] })),
  groups: { sre: ['alice', 'bob'], leads: ['dave'] },
};
const APPROVALS: Approvals = { trust: 'namespace', expiresMs: 4 * 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 7 * 86_400_000 };
const oneOf = (group: string, count = 1): Approvals => ({ ...APPROVALS, rules: [{ any: [{ group, count }] }] });

interface Next {
  readonly environment?: Partial<Environment>;
  readonly target?: Partial<Target>;
  readonly config?: Partial<Config>;
}

/** A bench whose configuration an operator may change. */
async function operated(options: BenchOptions = {}): Promise<{ on: Bench; part: AssessedPart; configure: (next: Next) => void }> {
  const now: { config?: Config } = {};
  const deps = { config: () => (now.config === undefined ? Promise.reject(new Error('not yet')) : Promise.resolve(now.config)) };
  const on = await openBench({ people: PEOPLE, ...options, deps });
  now.config = on.config;
  const part = await openIncident(on);
  const configure = ({ environment = {}, target = {}, config = {} }: Next): void => {
    now.config = { ...on.config, ...config, environments: on.config.environments.map((each) => ({ ...each, ...environment })), targets: on.config.targets.map((each) => ({ ...each, ...target })) };
  };
  return { on, part, configure };
}

/** What the next check tells the incident. */
async function told(on: Bench): Promise<readonly unknown[]> {
  const before = on.temporal.signals.length;
  on.later(60_000);
  await on.check();
  return on.temporal.signals.slice(before).map(({ signal, payload }) => `${signal}${(payload as { configuration?: true }).configuration === true ? ' anew' : ''}`);
}

function look(on: Bench, part: AssessedPart, phase?: Parameters<typeof standing>[1]): Promise<Assessment> {
  return on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part, phase)] });
}

async function approve(on: Bench, part: AssessedPart, by: string): Promise<void> {
  on.temporal.histories.set(RUN, [{ at: on.at(), signal: 'approve' }]);
  const { plan = '', ask = '' } = part;
  const messages = [{ message: { decision: 'approve' as const, by, plan }, via: { signal: 'approve', ordinal: 1 } }];
  expect(only(await on.run('judge', { incident: FIRST, run: RUN, messages, questions: [{ part: part.part, phase: 'awaiting-approval', causedBy: [], plan, ask }], malformed: 0 }))).toMatchObject({ result: 'accepted' });
}

describe('a check tells an open incident of another configuration once', () => {
  it.each<{ readonly reason: string; readonly next: Next }>([
    { reason: 'a window was added or widened', next: { environment: { windows: [allow('0 9 * * 1-5', '8h')] } } },
    { reason: 'a budget was raised', next: { environment: { limits: { concurrent: 2, reads: 4, budget: { max: 9, withinMs: 1000 } } } } },
    { reason: 'more may write at once', next: { environment: { limits: { concurrent: 9, reads: 4 } } } },
    { reason: 'who must approve is another', next: { environment: { approvals: oneOf('leads') } } },
    { reason: 'a group has another member', next: { config: { people: { ...PEOPLE, groups: { ...PEOPLE.groups, sre: ['alice'] } } } } },
    { reason: 'a rule decides otherwise', next: { config: { policies: [{ name: 'base', rules: [rule({ name: 'a', decision: 'hold' })], tests: [] }] } } },
    { reason: 'the target is watched for longer after a repair', next: { target: { soakMs: 1 } } },
    { reason: 'the target is repaired after another one', next: { target: { after: ['network'] } } },
  ])('$reason', async ({ next }) => {
    const { on, part, configure } = await operated({ target: { remediation: 'ask' } });
    expect(await told(on), 'the same configuration tells nothing').toEqual([]);
    configure(next);
    expect(await told(on)).toEqual(['observed anew']);
    await look(on, part);
    expect([await told(on), await told(on)], 'it was told').toEqual([[], []]);
  });

  it.each<{ readonly reason: string; readonly next: Next }>([
    { reason: 'a schedule decides nothing', next: { environment: { schedule: { cron: ['* * * * *'], timezone: 'UTC', jitterMs: 1, intervalMs: 60_000 } } } },
    { reason: 'nor does how many are read at once', next: { environment: { limits: { concurrent: 2, reads: 99 } } } },
    { reason: 'nor do messages', next: { config: { notifications: { sinks: [], routes: [{ match: {}, to: [] }] } } } },
    { reason: 'nor does another digest of the files alone', next: { config: { digest: 'another' } } },
  ])('and of nothing else: $reason', async ({ next }) => {
    const { on, configure } = await operated({ target: { remediation: 'ask' } });
    configure(next);
    expect(await told(on)).toEqual([]);
  });

  it('the line of a rule in its file is no other rule', async () => {
    const of = (at: string): Config['policies'] => [{ name: 'base', rules: [{ ...rule({ name: 'a', decision: 'ask' }), at }], tests: [] }];
    const { on, configure } = await operated({ policies: of('base:1') });
    configure({ config: { policies: of('base:9') } });
    expect(await told(on)).toEqual([]);
  });

  it('also when a look of its own came first: that look lets the gates be asked', async () => {
    const { on, part, configure } = await operated();
    configure({ environment: { limits: { concurrent: 9, reads: 4 } } });
    expect(await look(on, part)).toMatchObject({ gone: [], parts: [], isElse: true });
    expect(await told(on)).toEqual([]);
    expect((await look(on, part)).isElse).toBeUndefined();
  });

  it('also when another part was proved meanwhile: its proof tells of the drift alone', async () => {
    const { on, part, configure } = await operated();
    const ref = refOf(part);
    expect(await on.run('stage', ref)).toMatchObject({ result: 'staged' });
    expect(await on.run('finalize', ref)).toMatchObject({ result: 'finalized' });
    on.write('etc/motd', 'other\n');
    await on.check();
    await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part, 'verifying')] });
    configure({ environment: { limits: { concurrent: 9, reads: 4 } } });
    await on.run('verify', { ...ref, final: false });
    expect(await told(on)).toEqual(['observed anew']);
  });
});

describe('a part that stands under another configuration', () => {
  it('is repaired by itself where that is allowed now', async () => {
    const asked = await operated({ target: { remediation: 'ask' } });
    asked.configure({ target: { remediation: 'auto' } });
    const repaired = await look(asked.on, asked.part);
    expect(repaired.gone).toMatchObject([{ part: 1, event: 'moved', reason: 'its changes are as they were, and are decided or repaired in another way now; decided again' }]);
    expect(only(repaired.parts)).toMatchObject({ part: 2, decision: 'remediate', plan: asked.part.plan });
  });

  it('is asked again where others must approve, saying so, and whoever had approved', async () => {
    const { on, part, configure } = await operated({ target: { remediation: 'ask' }, environment: { approvals: oneOf('sre', 2) } });
    on.temporal.histories.set(RUN, [{ at: on.at(), signal: 'approve' }]);
    await approve(on, part, 'alice');
    configure({ environment: { approvals: oneOf('leads') } });
    const next = await look(on, part);
    expect(next.gone).toMatchObject([{ part: 1, event: 'moved', reason: 'who must approve it is different now: 1 of leads; it is asked again' }]);
    expect(only(next.parts)).toMatchObject({ plan: part.plan, since: 'who must approve it is different now: 1 of leads; the approval of alice was for what it was before, and holds no more' });
    expect(only(next.parts).ask).not.toBe(part.ask);
    expect(on.told.filter((notice) => notice.event === 'approval-needed')).toHaveLength(2);
  });

  it('is asked again once approvals must be signed', async () => {
    const { on, part, configure } = await operated({ target: { remediation: 'ask' } });
    configure({ environment: { approvals: { ...APPROVALS, trust: 'signed' } } });
    expect(only((await look(on, part)).parts).signing).toContain('ssh-keygen');
  });

  it('stays the same question where the requirement has only moved within its list', async () => {
    const { on, part, configure } = await operated({ target: { remediation: 'ask' }, environment: { approvals: { ...APPROVALS, rules: [{ when: 'risk == "critical"', any: [{ group: 'leads', count: 1 }] }, { any: [{ group: 'sre', count: 1 }] }] } } });
    configure({ environment: { approvals: oneOf('sre') } });
    expect(await look(on, part)).toMatchObject({ gone: [], parts: [] });
    expect(on.told.filter((notice) => notice.event === 'approval-needed')).toHaveLength(1);
  });

  it('stays the same question with another member in its group, and says who may answer it now', async () => {
    const { on, part, configure } = await operated({ target: { remediation: 'ask' }, environment: { approvals: oneOf('sre', 2) } });
    await approve(on, part, 'alice');
    configure({ config: { people: { ...PEOPLE, groups: { ...PEOPLE.groups, sre: ['alice', 'bob', 'carol'] } } }, environment: { approvals: oneOf('sre', 2) } });
    const next = await look(on, part);
    expect(next).toMatchObject({ gone: [], parts: [], told: [{ part: 1, approvals: '1 of 2 of sre (alice); still needed: 1 more of sre (bob or carol)' }] });
    expect(next.told?.[0]?.requires).toContain('alice, bob or carol');
    expect((await on.ledger.incident(FIRST, 1))?.parts[0]).toMatchObject({ requires: next.told?.[0]?.requires });
    expect((await look(on, part)).told, 'once').toBeUndefined();
  });

  it('is asked again while it waits for its gates, when more must have approved it', async () => {
    const { on, part, configure } = await operated({ target: { remediation: 'ask' }, environment: { approvals: oneOf('sre') } });
    await approve(on, part, 'alice');
    expect(await look(on, part, 'waiting')).toMatchObject({ gone: [], parts: [] });
    configure({ environment: { approvals: oneOf('sre', 2) } });
    const next = await look(on, part, 'waiting');
    expect(next.gone[0]?.reason).toMatch(/^the approvals of plan [0-9a-f]{12} on record are not enough \(1 of 2 of sre \(alice\).*\); it is asked again$/);
    expect(only(next.parts)).toMatchObject({ part: 2, decision: 'ask', plan: part.plan });
  });

  it('keeps its approval where fewer must approve', async () => {
    const { on, part, configure } = await operated({ target: { remediation: 'ask' }, environment: { approvals: oneOf('sre') } });
    await approve(on, part, 'alice');
    configure({ environment: { approvals: APPROVALS } });
    expect(await look(on, part, 'waiting')).toMatchObject({ gone: [], parts: [] });
  });
});
