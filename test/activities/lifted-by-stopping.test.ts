import { describe, expect, it } from 'vitest';
import type { CommandDone } from '../../src/activities/types.js';
import type { CommandMessage } from '../../src/domain/message.js';
import { commandStatement } from '../../src/trust/statement.js';
import { signer } from '../support/ssh-signer.js';
import { openBench, START, type Bench } from './bench.js';

const alice = signer();
const PEOPLE = { principals: [{ name: 'alice', aliases: [], keys: [{ key: alice.line, fingerprint: alice.fingerprint }] }], groups: {} };

function bench(): Promise<Bench> {
  return openBench({ people: PEOPLE, environment: { approvals: { trust: 'signed', expiresMs: 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 1 } } });
}

function tell(on: Bench, message: Partial<CommandMessage>, environment = 'prod'): Promise<CommandDone> {
  const config = { ...on.config, environments: ['prod', 'staging'].flatMap((name) => on.config.environments.map((each) => ({ ...each, name }))) };
  const whole: CommandMessage = { command: 'freeze', scope: 'prod', by: 'mallory', reason: 'short', ...message };
  return on.run('command', { environment, message: whole, run: 'r' }, { workflowId: `environment/${environment}`, workflowType: 'environment', runId: environment, worker: { config: () => Promise.resolve(config) } });
}

async function stops(on: Bench): Promise<readonly (string | undefined)[]> {
  return (await on.ledger.allClosedGates(on.at())).map((row) => `${row.gate} by ${row.by} until ${row.until ?? 'unfrozen'}`);
}

describe('what only stops needs no signature, and therefore ends nothing that stops', () => {
  it.each<{ readonly reason: string; readonly before: Partial<CommandMessage>; readonly after: Partial<CommandMessage>; readonly stays: string }>([
    { reason: 'a freeze without an end gets none', before: { by: 'alice' }, after: { until: '2026-11-02T09:01:00Z' }, stays: 'freeze by alice (unverified) until unfrozen' },
    { reason: 'a freeze does not end sooner', before: { by: 'alice', until: '2026-11-02T12:00:00Z' }, after: { until: '2026-11-02T09:01:00Z' }, stays: 'freeze by alice (unverified) until 2026-11-02T12:00:00.000Z' },
    { reason: 'nor at an end that looks later in another time zone', before: { by: 'alice', until: '2026-11-02T12:00:00Z' }, after: { until: '2026-11-02T23:30:00+14:00' }, stays: 'freeze by alice (unverified) until 2026-11-02T12:00:00.000Z' },
    { reason: 'work under way does not end sooner, whoever is named', before: { by: 'ci', gate: 'busy', until: '2026-11-02T12:00:00Z' }, after: { by: 'ci', gate: 'busy', until: '2026-11-02T09:01:00Z' }, stays: 'busy by ci (unverified) until 2026-11-02T12:00:00.000Z' },
  ])('$reason', async ({ before, after, stays }) => {
    const on = await bench();
    expect(await tell(on, before)).toMatchObject({ ok: true });
    expect((await tell(on, after)).message).toMatch(/already/);
    expect(await stops(on)).toEqual([stays]);
  });

  it('a freeze that is over when it begins is refused', async () => {
    const on = await bench();
    expect(await tell(on, { until: '2026-11-02T08:00:00Z' })).toMatchObject({ ok: false });
    expect(await stops(on)).toEqual([]);
  });

  it('a freeze may last longer than the one before', async () => {
    const on = await bench();
    await tell(on, { by: 'alice', until: '2026-11-02T12:00:00Z' });
    expect(await tell(on, { until: '2026-11-02T13:00:00Z' })).toMatchObject({ ok: true });
    expect(await stops(on)).toEqual(['freeze by mallory (unverified) until 2026-11-02T13:00:00.000Z']);
  });
});

it('a signature over an unfreeze of everything is good once, whichever environment is told', async () => {
  const on = await bench();
  const words: CommandMessage = { command: 'unfreeze', scope: '*', by: 'alice', reason: 'over', signedAt: START };
  const message = { ...words, signature: alice.sign(commandStatement('shop', words)) };
  await tell(on, { scope: '*' });
  expect(await tell(on, message)).toMatchObject({ ok: true });
  await tell(on, { scope: '*' });
  expect(await tell(on, message, 'staging')).toMatchObject({ ok: false, unauthorised: true });
  expect(await stops(on)).toEqual(['freeze by mallory (unverified) until unfrozen']);
});
