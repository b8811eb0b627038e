import { randomBytes } from 'node:crypto';
import type { PayloadCodec } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encryptionCodec, isEncrypted, type PayloadKey } from '../../src/codec/encryption.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { handleOf, laboratoryOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { HOLDFAST, startNode } from '../support/processes.js';
import { signalRaw } from '../support/signals.js';
import { createSite, type SiteOptions } from '../support/site.js';
import { filesHolding } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const WHOLE = process.env['HOLDFAST_FAULTS'] === 'all';
const FILE = 'etc/zebra-crossing.json';
const FILES = { [FILE]: '{"port":80}\n' };
const DRIFT = { [FILE]: '{"port":81}\n' };
const REASON = 'the striped horse asked for it';
const FIRST = { id: '2026-10', key: randomBytes(32) };
const SECOND = { id: '2026-11', key: randomBytes(32) };
const ENV = { KEY_2026_10: FIRST.key.toString('base64'), KEY_2026_11: SECOND.key.toString('base64') };
interface Hand {
  readonly codec: PayloadCodec;
  /** What is sent from here on is encrypted with it. */
  write(key: PayloadKey): void;
}

/** The test's own client: reads everything, whoever wrote it. */
function hand(first: PayloadKey): Hand {
  let key = first;
  return {
    codec: { encode: (payloads) => encryptionCodec([key]).encode(payloads), decode: (payloads) => encryptionCodec([FIRST, SECOND]).decode(payloads) },
    write(next) { key = next; },
  };
}

function keys(...given: readonly { readonly id: string }[]): object {
  return { encryption: { keys: given.map(({ id }) => ({ id, key: `\${env:KEY_${id.replace('-', '_')}}` })) } };
}

let server: DevServer;

beforeAll(async () => {
  // Every process that these tests start inherits the keys.
  Object.assign(process.env, ENV);
  server = await devServer();
}, 60_000);

afterAll(() => server.stop());

async function laboratory({ codec }: Hand, options: SiteOptions): Promise<Laboratory> {
  return openLaboratory({ ...(await newNamespace(server.address)), codec }, options);
}

async function holdfast(lab: Laboratory, args: readonly string[]): Promise<{ readonly code: number | string; readonly said: string }> {
  const running = startNode([HOLDFAST, ...args, '--config', lab.site.config, '--data-dir', lab.site.dataDir], lab.env);
  const code = await running.ended;
  return { code, said: running.said() };
}

/** The key that the input of the run under an incident's id is encrypted with. */
async function keyOf(lab: Laboratory, address: string): Promise<string> {
  const { events } = await handleOf(lab, address).fetchHistory();
  const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return payload == null ? 'none' : isEncrypted(payload) ? Buffer.from(payload.metadata?.['encryption-key-id'] ?? []).toString() : 'plain';
}

async function open(lab: Laboratory, address: string): Promise<string> {
  await lab.site.drift(address, DRIFT);
  await lab.check(address);
  const { parts } = await lab.untilPhase(address, 'awaiting-approval');
  return parts[0]?.plan ?? '';
}

describe('payloads are encrypted', () => {
  test.concurrent('keys are rotated: what was begun under the old key goes on, is moved to the new one, and the old one can be dropped', async () => {
    const targets = ['prod/approved', 'prod/pasted', 'prod/kept'].map((address) => ({ address, files: FILES }));
    const pen = hand(FIRST);
    const lab = await laboratory(pen, { targets, temporal: keys(FIRST) });
    try {
      let worker = await lab.worker();
      const plans = new Map<string, string>();
      for (const { address } of targets) plans.set(address, await open(lab, address));
      expect(await keyOf(lab, 'prod/kept')).toBe(FIRST.id);
      await worker.kill();

      await lab.site.configure({ targets, temporal: keys(SECOND, FIRST) });
      pen.write(SECOND);
      worker = await lab.worker();
      const approved = await holdfast(lab, ['approve', 'prod/approved', '--plan', plans.get('prod/approved') ?? '', '--reason', REASON]);
      expect(approved, approved.said).toMatchObject({ code: 0 });
      const pasted = JSON.stringify({ by: 'alice', plan: plans.get('prod/pasted') });
      await signalRaw(lab, 'prod/pasted', 'approve', [{ encoding: 'json/plain', data: Buffer.from(pasted) }]);
      for (const address of ['prod/approved', 'prod/pasted']) expect((await lab.untilClosed(address)).outcome).toBe('fixed');
      await eventually('what waits goes on in a run of the new key', async () => ((await keyOf(lab, 'prod/kept')) === SECOND.id ? true : undefined), { timeoutMs: 30_000 });
      await worker.kill();

      await lab.site.configure({ targets, temporal: keys(SECOND) });
      await lab.worker();
      const kept = await lab.untilPhase('prod/kept', 'awaiting-approval');
      expect((await holdfast(lab, ['approve', 'prod/kept', '--plan', kept.parts[0]?.plan ?? ''])).code).toBe(0);
      expect((await lab.untilClosed('prod/kept')).outcome).toBe('fixed');
      expect(await checkStatements(lab)).toEqual([]);
    } finally {
      await lab.close();
    }
  }, 300_000);

  test.concurrent('a key is dropped too early: that incident needs a human and says why, others are repaired, and it goes on once the key is back', async () => {
    const targets = [{ address: 'prod/locked', files: FILES }, { address: 'prod/other', files: FILES }];
    const notifications = { sinks: { kept: { type: 'command', command: ['node', '-e', '0'] } }, routes: [{ to: ['kept'] }] };
    const pen = hand(FIRST);
    const lab = await laboratory(pen, { targets, notifications, temporal: keys(FIRST) });
    try {
      let worker = await lab.worker();
      const plan = await open(lab, 'prod/locked');
      await worker.kill();
      await lab.site.configure({ targets, notifications, temporal: keys(SECOND) });
      pen.write(SECOND);
      worker = await lab.worker();
      await open(lab, 'prod/other');
      expect((await lab.approve('prod/other')).result).toBe('accepted');
      expect((await lab.untilClosed('prod/other')).outcome).toBe('fixed');
      await eventually('it is said', async () => {
        await lab.check('prod/locked');
        const told = JSON.stringify(await lab.withLedger((ledger) => ledger.outbox({})));
        return told.includes('cannot be decrypted') && told.includes(FIRST.id) ? true : undefined;
      }, { timeoutMs: 60_000, last: () => lab.withLedger((ledger) => ledger.outbox({})) });
      expect(worker.isRunning()).toBe(true);
      // The server tries a failing task ever more seldom: going on takes a minute or two.
      if (!WHOLE) return;
      await worker.kill();
      await lab.site.configure({ targets, notifications, temporal: keys(SECOND, FIRST) });
      await lab.worker();
      await handleOf(lab, 'prod/locked').signal('approve', { by: 'alice', plan });
      expect((await lab.untilClosed('prod/locked')).outcome).toBe('fixed');
      expect(await checkStatements(lab)).toEqual([]);
    } finally {
      await lab.close();
    }
  }, 240_000);
});

test('the server keeps nothing in plain text but what is searched by: not in its database, not in a history', async () => {
  const own = await devServer();
  const site = await createSite({ targets: [{ address: 'prod/web', files: FILES }, { address: 'prod/failing', files: FILES }], temporal: keys(SECOND), environments: { prod: { remediation: 'ask', schedule: '0 0 1 1 *', owner: 'team-web' } } });
  const lab = await laboratoryOf({ address: own.address, namespace: own.namespace, codec: hand(SECOND).codec }, site);
  try {
    await lab.faultyWorker({ faults: [{ point: 'files.stage', when: 'before', act: 'refuse', of: 'prod/failing' }] });
    for (const address of ['prod/web', 'prod/failing']) await open(lab, address);
    const { parts } = await lab.untilPhase('prod/web', 'awaiting-approval');
    expect((await holdfast(lab, ['approve', 'prod/web', '--plan', parts[0]?.plan ?? '', '--by', 'zebra-keeper', '--reason', REASON])).code).toBe(0);
    await lab.approve('prod/failing', 'zebra-keeper');
    await lab.untilClosed('prod/web');
    await lab.untilClosed('prod/failing');
    await lab.client.command('prod', { command: 'freeze', scope: 'prod', by: 'zebra-keeper', reason: REASON });
    const texts = [FILE, 'zebra', REASON, 'striped'];
    expect(await filesHolding(own.dataDir, texts)).toEqual([]);
    for await (const { workflowId, runId } of lab.temporal.workflow.list()) {
      const { events } = await lab.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
      expect(plainText(events), workflowId).not.toMatch(/zebra|striped/);
    }
    // The search itself must be able to find something.
    expect(await filesHolding(own.dataDir, ['incident/prod/web'])).not.toEqual([]);
    expect(await lab.client.schedules()).toMatchObject([{ environment: 'prod', cron: ['0 0 1 1 *'] }]);
  } finally {
    await lab.close();
    await own.stop();
  }
}, 300_000);

function plainText(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (each instanceof Uint8Array ? Buffer.from(each).toString('latin1') : each));
}
