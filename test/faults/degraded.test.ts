import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { handleOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { HOLDFAST, startNode } from '../support/processes.js';
import type { SiteOptions } from '../support/site.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

const FILES = { 'etc/app.json': '{"port":80}\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };

let server: DevServer;

beforeAll(async () => {
  server = await devServer();
}, 60_000);

afterAll(() => server.stop());

interface Said {
  readonly code: number | string;
  readonly said: string;
}

/** A command as a person runs it beside the laboratory. */
async function holdfast({ site, env }: Laboratory, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Said> {
  const command = startNode([HOLDFAST, ...args, '--config', site.config], { ...env, ...more });
  return { code: await command.ended, said: command.said() };
}

async function untilSaid(lab: Laboratory, args: readonly string[], text: string | RegExp): Promise<string> {
  let last = '';
  return eventually(`holdfast ${args.join(' ')} says ${text}`, async () => {
    last = (await holdfast(lab, args)).said;
    return (typeof text === 'string' ? last.includes(text) : text.test(last)) ? last : undefined;
  }, { last: () => last });
}

async function detailsOf(lab: Laboratory, address: string): Promise<string> {
  return (await handleOf(lab, address).query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';
}

describe.concurrent('each degraded state says so, with the remedy', () => {
  async function inLaboratory(options: SiteOptions, work: (lab: Laboratory) => Promise<void>): Promise<void> {
    const lab = await openLaboratory(await newNamespace(server.address), options);
    try {
      await work(lab);
    } finally {
      await lab.close();
    }
  }

  test('no Temporal: check and plan still work, status and doctor say what does not', () => inLaboratory({ targets: [{ address: 'prod/web', files: FILES }] }, async (lab) => {
    await lab.site.drift('prod/web', DRIFT);
    const away = { TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` };
    expect(await holdfast(lab, ['check', 'prod/web'], away)).toMatchObject({ code: 2, said: expect.stringContaining('/port') as string });
    expect(await holdfast(lab, ['plan', 'prod/web'], away)).toMatchObject({ code: 2, said: expect.stringContaining('Nothing was changed.') as string });
    expect((await holdfast(lab, ['status'], away)).said).toMatch(/Temporal is not reachable, so nothing is checked or repaired now: .*; holdfast check and holdfast plan work without it/);
    expect(await holdfast(lab, ['doctor', '--only', 'temporal'], away)).toMatchObject({ code: 1, said: expect.stringMatching(/fail {2}temporal: .*does not answer/) as string });
  }), 300_000);

  test('HOLDFAST_READ_ONLY: status, incident and doctor say which repair waits and why; the Temporal UI says where to look', () => inLaboratory({ targets: [{ address: 'dev/still', files: FILES }] }, async (lab) => {
    await lab.worker([], { HOLDFAST_READ_ONLY: '1' });
    await lab.site.drift('dev/still', DRIFT);
    await lab.check('dev');
    const why = /stage is tried again \(attempt \d+\): HOLDFAST_READ_ONLY is set on this worker: no external write is made; unset it and restart the worker/;
    await untilSaid(lab, ['status'], why);
    expect((await holdfast(lab, ['incident', 'dev/still'])).said).toMatch(why);
    expect((await holdfast(lab, ['doctor', '--only', 'repairs'])).said).toMatch(new RegExp(`warn {2}repairs: dev/still#1: ${why.source}`));
    expect(await detailsOf(lab, 'dev/still')).toContain('*Pending Activities* says why its step is tried again: a worker with `HOLDFAST_READ_ONLY`');
    expect(await readTree(lab.site.live('dev/still'))).toEqual(lab.site.before('dev/still'));
  }), 300_000);

  test('no ledger: check --remote says what was seen and that nothing is recorded or opened; check looks without it; it all goes on when it is back', () => inLaboratory({ targets: [{ address: 'prod/web', files: FILES }] }, async (lab) => {
    const worker = await lab.worker();
    const file = join(lab.site.dataDir, 'ledger.db');
    await rename(file, `${file}.away`);
    await lab.site.drift('prod/web', DRIFT);
    expect(await holdfast(lab, ['check', 'prod', '--remote', '--wait'])).toMatchObject({ code: 1, said: expect.stringMatching(/0 clean, 1 drifted, 0 unknown\n {2}not recorded: 1 target, since the record is away; no incident was opened/) as string });
    expect(worker.said()).toMatch(/was removed or replaced while it was open: nothing is recorded, and so nothing is written/);
    expect(await holdfast(lab, ['check', 'prod'])).toMatchObject({ code: 2 });
    expect(await holdfast(lab, ['status'])).toMatchObject({ code: 0, said: expect.stringContaining('There is no record') as string });
    await rename(`${file}.away`, file);
    await lab.check('prod');
    await untilSaid(lab, ['status'], 'prod/web#1 waits for an approval');
  }), 300_000);

  test('no worker of a pool may write: status and doctor say which step waits for one, and how to start it', () => inLaboratory({ targets: [{ address: 'dev/alone', files: FILES }] }, async (lab) => {
    await lab.worker(['--access', 'none']);
    await lab.worker(['--pool', 'dev', '--access', 'read']);
    await lab.site.drift('dev/alone', DRIFT);
    await lab.check('dev');
    await untilSaid(lab, ['status'], /dev\/alone#1 does not get on: stage waits for a worker since .*; start one with: holdfast worker/);
    const { code, said } = await holdfast(lab, ['doctor', '--only', 'workers', 'repairs']);
    expect(code).toBe(1);
    expect(said).toContain('holdfast-dev-write');
  }), 300_000);

  test('a sink that is down: repairs go on, status and doctor say what waits for it and since when', async () => {
    const notifications = { sinks: { ops: { type: 'webhook', url: `http://127.0.0.1:${await freePort()}/`, secret: '${env:SINK_SECRET}', allowPrivate: true } }, routes: [{ to: ['ops'] }] };
    await inLaboratory({ targets: [{ address: 'dev/told', files: FILES }], notifications }, async (lab) => {
      await lab.worker([], { SINK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
      await lab.site.drift('dev/told', DRIFT);
      await lab.check('dev');
      expect((await lab.untilClosed('dev/told')).outcome).toBe('fixed');
      await untilSaid(lab, ['status'], /1 message waits for sink ops since \d{4}-.*: .*connection refused.*; repairs go on, and each is sent again until it is taken/);
      expect((await holdfast(lab, ['doctor', '--only', 'messages'])).said).toMatch(/warn {2}messages: 1 message waits for sink ops.*\n +Put the sink right.*holdfast notify test ops/);
    });
  }, 300_000);
});
