import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Json } from '../../../src/domain/json.js';
import { busy } from '../../../src/providers/files/busy.js';
import { filesSpec, resolveFilesSpec } from '../../../src/providers/files/spec.js';
import { target } from '../../domain/build.js';

type Rule = { file: string; resources?: string[]; reason?: string; staleAfter?: string };

function place(): { folder: string; ask: (rules: Rule[], resources?: string[]) => ReturnType<typeof busy> } {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-busy-'));
  onTestFinished(() => { rmSync(folder, { recursive: true, force: true }); });
  const ask = (rules: Rule[], resources = ['etc/app.yaml', 'etc/motd', 'bin/run']) => {
    const spec = resolveFilesSpec(filesSpec.parse({ root: 'live', busy: rules }), folder);
    return busy(target({ spec: spec as unknown as Json }), resources);
  };
  return { folder, ask };
}

describe('a files target', () => {
  it('is idle without a rule, and while the file of a deployment is not there', async () => {
    const { ask } = place();
    expect(await busy(target(), ['etc/app.yaml'])).toEqual([]);
    expect(await ask([{ file: 'deploy.lock' }])).toEqual([]);
  });

  it('is at work as a whole while that file is there, whatever it holds', async () => {
    const { folder, ask } = place();
    writeFileSync(join(folder, 'deploy.lock'), 'token=hunter2');
    const [found, ...more] = await ask([{ file: 'deploy.lock', reason: 'the shop is deployed' }]);
    expect(more).toEqual([]);
    expect(found).toEqual({ reason: `the shop is deployed (${join(folder, 'deploy.lock')} is there)` });
  });

  it('is at work on the files that the rule names, and on no other', async () => {
    const { folder, ask } = place();
    writeFileSync(join(folder, 'etc.lock'), '');
    expect((await ask([{ file: 'etc.lock', resources: ['etc/**'] }])).map((each) => each.resource)).toEqual(['etc/app.yaml', 'etc/motd']);
    expect(await ask([{ file: 'etc.lock', resources: ['share/**'] }])).toEqual([]);
  });

  it('is done when the file is older than a deployment ever takes, and says until when', async () => {
    const { folder, ask } = place();
    const lock = join(folder, 'deploy.lock');
    writeFileSync(lock, '');
    const made = new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000);
    utimesSync(lock, made, made);
    expect(await ask([{ file: 'deploy.lock', staleAfter: '5m' }])).toMatchObject([{ until: new Date(made.getTime() + 300_000).toISOString() }]);
    expect(await ask([{ file: 'deploy.lock', staleAfter: '30s' }])).toEqual([]);
  });

  it('follows no link to tell: one that leads nowhere is there all the same', async () => {
    const { folder, ask } = place();
    symlinkSync('/nowhere/at/all', join(folder, 'deploy.lock'));
    expect(await ask([{ file: 'deploy.lock' }])).toHaveLength(1);
  });
});
