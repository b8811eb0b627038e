import { describe, expect, it } from 'vitest';
import type { CommandDone } from '../../src/activities/types.js';
import type { Approvals } from '../../src/config/config.js';
import type { CommandMessage } from '../../src/domain/message.js';
import { commandStatement } from '../../src/trust/statement.js';
import { rule } from '../policy/rules.js';
import { signer } from '../support/ssh-signer.js';
import { FIRST, only, openBench, RUN, type Bench } from './bench.js';

const KEYS = { alice: signer(), bob: signer(), carol: signer() } as const;
type Person = keyof typeof KEYS;
const PEOPLE = {
  principals: (['alice', 'bob', 'carol'] as const).map((name) => ({ name, aliases: [], keys: [{ key: KEYS[name].line, fingerprint: KEYS[name].fingerprint }] })),
  groups: { sre: ['alice', 'bob'], security: ['bob'] },
};
const SIGNED: Approvals = { trust: 'signed', expiresMs: 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 86_400_000 };
const SRE = { rules: [{ any: [{ group: 'sre', count: 1 }] }] };
/** A rule of a file asks the people of security about ports, whatever the environment says. */
const POLICIES = [{ name: 'rules.yaml', tests: [], rules: [rule({ name: 'ports', on: { path: ['/port'] }, decision: 'ask', requires: { any: [{ group: 'security', count: 1 }] } })] }];
const MOTD: (on: Bench) => void = (on) => { on.write('etc/motd', 'closed\n'); };
const PORT: (on: Bench) => void = (on) => { on.write('etc/app.yaml', 'port: 9\nhost: a\n'); };

interface Row {
  readonly reason: string;
  readonly by: Person;
  readonly of: (on: Bench) => void;
  readonly approvals?: Partial<Approvals>;
  readonly may: boolean;
}

const ROWS: readonly Row[] = [
  { by: 'bob', of: PORT, may: true, reason: 'he is one of those whom the rule asks' },
  { by: 'alice', of: PORT, may: false, reason: 'she could not approve it either' },
  { by: 'alice', of: PORT, approvals: SRE, may: false, reason: 'the environment names her, and the rule asks others besides' },
  { by: 'bob', of: PORT, approvals: SRE, may: true, reason: 'both name him' },
  { by: 'carol', of: PORT, approvals: SRE, may: false, reason: 'neither names her' },
  { by: 'alice', of: MOTD, approvals: SRE, may: true, reason: 'no rule of a file asks about that' },
  { by: 'carol', of: MOTD, may: true, reason: 'nobody in particular is asked about that' },
  { by: 'alice', of: PORT, approvals: { trust: 'namespace' }, may: true, reason: 'where names are taken as given, to ask for one would stop nobody' },
  { by: 'alice', of: PORT, approvals: { escalate: [{ afterMs: 1, to: 'alice' }] }, may: true, reason: 'it is escalated to her in the end' },
];

function command(on: Bench, by: Person, words: Omit<CommandMessage, 'by' | 'reason'>): Promise<CommandDone> {
  const dated = { by, reason: 'once more', signedAt: on.at(), ...words };
  return on.run('command', { environment: 'prod', run: 'r', message: { ...dated, signature: KEYS[by].sign(commandStatement('shop', dated)) } }, { workflowId: 'environment/prod', workflowType: 'environment' });
}

async function decided({ of, approvals = {} }: Row): Promise<{ readonly on: Bench; readonly plan: string; readonly ask: string }> {
  const on = await openBench({ people: PEOPLE, policies: POLICIES, target: { remediation: 'ask' }, environment: { approvals: { ...SIGNED, ...approvals } } });
  of(on);
  await on.check();
  const { plan = '', ask = '' } = only((await on.assess()).parts);
  return { on, plan, ask };
}

describe('who asks again about what rules ask particular people about', () => {
  it.each(ROWS)('retry by $by, $may: $reason', async (row) => {
    const { on, plan, ask } = await decided(row);
    await on.ledger.decide({ ...FIRST, ask, decision: 'reject', plan, by: 'bob', verified: true, at: on.at(), run: RUN, message: 'no', reason: 'no' });
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'rejected', malformed: 0, parts: [{ part: 1, outcome: 'rejected', decision: 'ask', plan, ask, by: 'bob', reason: 'no' }] });
    expect(await command(on, row.by, { command: 'retry', scope: 'prod/storefront', incident: 1 })).toMatchObject(row.may ? { ok: true } : { ok: false, unauthorised: true });
  });

  it.each(ROWS)('release of a quarantine by $by, $may: $reason', async (row) => {
    const { on } = await decided(row);
    const change = only(((await on.ledger.report((await on.ledger.lastObservation(FIRST))?.digest ?? ''))?.changes ?? []));
    await on.ledger.closeGate({ scope: 'prod/storefront', gate: 'quarantine', by: 'holdfast', reason: 'status 503', at: on.at(), fingerprint: change.fingerprint, revision: change.revision, incident: 1 });
    for (const scope of ['prod/storefront', 'prod'] as const) {
      if (row.may && scope === 'prod') continue;
      const answer = await command(on, row.by, { command: 'release', scope, gate: 'quarantine' });
      expect(answer).toMatchObject(row.may ? { ok: true } : { ok: false, unauthorised: true });
    }
    expect(await on.ledger.closedGates(FIRST, on.at())).toHaveLength(row.may ? 0 : 1);
  });

  it('a refusal says who may, and which rule says so', async () => {
    const row: Row = { by: 'alice', of: PORT, may: false, reason: '' };
    const { on } = await decided(row);
    const answer = await command(on, 'alice', { command: 'retry', scope: 'prod/storefront', incident: 1 });
    expect(answer.message).toMatch(/^alice is not among those whom rules ask about this: 1 of security \(.*ports.*\); security: bob$/);
  });
});
