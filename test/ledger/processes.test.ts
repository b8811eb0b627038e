import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all } from './contract/harness.js';
import { openSqliteHarness, type SqliteHarness } from './sqlite-harness.js';

const WRITER = fileURLToPath(new URL('writer.mjs', import.meta.url));

interface Line {
  readonly fence: number;
  readonly number: number;
  readonly opened: boolean;
}

describe('several processes on one SQLite ledger', () => {
  let harness: SqliteHarness;
  beforeEach(async () => {
    harness = await openSqliteHarness();
  });
  afterEach(async () => harness.dispose());

  const start = (name: string, count: number): ChildProcess => spawn(process.execPath, [WRITER, harness.file, harness.signingKeyFile, name, String(count)], { stdio: ['ignore', 'pipe', 'pipe'] });

  async function run(name: string, count: number): Promise<readonly Line[]> {
    const child = start(name, count);
    if (child.stdout === null || child.stderr === null) throw new Error('the child has pipes');
    const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
    expect([code, errors]).toEqual([0, '']);
    return out.trim().split('\n').map((line) => JSON.parse(line) as Line);
  }

  it('make one chain, one key, tokens that never repeat, and one open incident at a time', async () => {
    const count = 40;
    const written = (await Promise.all([run('one', count), run('two', count), run('three', count)])).flat();
    expect(new Set(written.map((each) => each.fence)).size).toBe(3 * count);
    const opened = written.filter((each) => each.opened).map((each) => each.number);
    expect(new Set(opened).size).toBe(opened.length);
    expect(await all(harness.ledger.entries({ kinds: ['gate'] }))).toHaveLength(3 * count);
    expect(await all(harness.ledger.entries({ kinds: ['opened'] }))).toHaveLength(opened.length);
    expect(await harness.ledger.verify()).toMatchObject({ ok: true });
  });

  it('lose nothing that was acknowledged when one is killed, and the record verifies', async () => {
    const child = start('victim', 10_000);
    let out = '';
    await new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.split('\n').length > 30) resolve();
      });
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const acknowledged = out.trim().split('\n').length - 1;
    expect(await harness.ledger.verify()).toMatchObject({ ok: true });
    expect((await all(harness.ledger.entries({ kinds: ['gate'] }))).length).toBeGreaterThanOrEqual(acknowledged);
    expect(await harness.ledger.append({ at: '2026-11-02T10:00:00.000Z', kind: 'gate', data: {} })).toBeDefined();
  });
});
