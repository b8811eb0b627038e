import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AdoptResult, AssessedPart, InboxMessage, Judged } from '../../src/activities/types.js';
import type { Config } from '../../src/config/config.js';
import type { DecisionMessage } from '../../src/domain/message.js';
import { decisionStatement } from '../../src/trust/statement.js';
import { signer, type Signer } from '../support/ssh-signer.js';
import { FIRST, only, openBench, openIncident, RUN, type Bench } from './bench.js';

const APPROVALS = { trust: 'signed', expiresMs: 4 * 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 1 } as const;
const AT = '2026-11-02T09:30:00.000Z';
const alice = signer();
const stranger = signer();

interface Trial {
  readonly on: Bench;
  readonly part: AssessedPart;
  /** Takes the key of alice out of the configuration. */
  readonly forget: () => void;
}

async function trial(): Promise<Trial> {
  let config: Config | undefined;
  const on = await openBench({ target: { remediation: 'ask' }, environment: { approvals: APPROVALS }, deps: { config: () => Promise.resolve(config as Config) } });
  const keys = (of: readonly Signer[]): Config => ({ ...on.config, people: { principals: [{ name: 'alice', aliases: [], keys: of.map(({ line, fingerprint }) => ({ key: line, fingerprint })) }], groups: {} } });
  config = keys([alice]);
  return { on, part: await openIncident(on), forget: () => { config = keys([]); } };
}

interface Said {
  readonly with?: Signer;
  /** What was signed, where it is not what is said. */
  readonly signs?: Partial<DecisionMessage>;
  readonly says?: Partial<DecisionMessage>;
  readonly plan?: string;
}

async function say({ on, part: { plan = '', ask = '' } }: Trial, { with: key = alice, signs = {}, says = {}, plan: other }: Said = {}): Promise<Judged> {
  const message: DecisionMessage = { decision: 'adopt', by: 'alice', reason: 'right as it is', ...signs };
  const signature = key.sign(decisionStatement({ project: 'shop', incident: FIRST, question: { plan: other ?? plan, ask } }, message));
  on.temporal.histories.set(RUN, [{ at: AT, signal: 'adopt' }]);
  const item: InboxMessage = { message: { ...message, signature, ...says }, via: { signal: 'adopt', ordinal: 1 } };
  return only(await on.run('judge', { incident: FIRST, run: RUN, messages: [item], questions: [{ part: 1, phase: 'awaiting-approval', causedBy: [], plan, ask }], malformed: 0 }));
}

function adopt({ on, part }: Trial, id: string): Promise<AdoptResult> {
  return on.run('adopt', { incident: FIRST, part: 1, phase: 'awaiting-approval', id, run: RUN, round: 1, ...(part.plan === undefined ? {} : { plan: part.plan }) });
}

function desired({ on }: Trial): string {
  const source = on.config.targets[0]?.source;
  return source?.type === 'folder' ? readFileSync(join(source.folder, 'etc/app.yaml'), 'utf8') : '';
}

describe('adopting where decisions are signed', () => {
  it('a signed word is carried out, and the record keeps what was signed', async () => {
    const it = await trial();
    const word = await say(it, { signs: { write: true } });
    expect(word).toMatchObject({ result: 'accepted' });
    expect(await adopt(it, word.adoption ?? '')).toMatchObject({ result: 'made', where: 'folder' });
    expect(desired(it)).toBe('port: 9\nhost: a\n');
    const entry = (await it.on.entries('decided')).find(({ data }) => data['decision'] === 'adopt');
    expect(entry?.data).toMatchObject({ verified: true, key: alice.fingerprint, write: true });
  });

  it.each<{ reason: string; said: Said }>([
    { reason: 'no signature', said: { says: { signature: undefined as unknown as string } } },
    { reason: 'a key that nobody has', said: { with: stranger } },
    { reason: 'signed without write, and said with it', said: { says: { write: true } } },
    { reason: 'a rejection was signed', said: { signs: { decision: 'reject' }, says: { decision: 'adopt' } } },
    { reason: 'another reason was signed', said: { says: { reason: 'another' } } },
    { reason: 'another plan was signed', said: { plan: 'f'.repeat(64) } },
  ])('refused: $reason', async ({ said }) => {
    const it = await trial();
    expect(await say(it, said)).toMatchObject({ result: 'refused', unauthorised: true });
    expect(desired(it)).toBe('port: 1\nhost: a\n');
  });

  it('a key that was taken out of the configuration since lets nothing be written', async () => {
    const it = await trial();
    const word = await say(it, { signs: { write: true } });
    it.forget();
    expect(await adopt(it, word.adoption ?? '')).toMatchObject({ result: 'moved', reason: expect.stringMatching(/does not hold any more/) as string });
    expect(desired(it)).toBe('port: 1\nhost: a\n');
  });

  it('a word that somebody wrote into the record without a signature writes nothing', async () => {
    const it = await trial();
    await it.on.ledger.append({ at: AT, kind: 'decided', ...FIRST, incident: 1, by: 'alice', data: { decision: 'adopt', id: 'forged', run: RUN, parts: [1], reason: 'x', write: true, verified: true } });
    expect(await adopt(it, 'forged')).toMatchObject({ result: 'moved', reason: expect.stringMatching(/carries no signature/) as string });
    expect(desired(it)).toBe('port: 1\nhost: a\n');
    expect((await it.on.entries('refused')).at(-1)?.data['reason']).toMatch(/adopt by alice, before the write/);
  });
});
