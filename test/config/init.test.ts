import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { initPlan, recognise } from '../../src/config/init.js';
import { loadConfig } from '../../src/config/load.js';
import { files } from '../../src/providers/files/index.js';
import { type Files, folderWith } from './support.js';

describe('recognise', () => {
  test.each<{ reason: string; content: Files; settings: string[]; folders: string[] }>([
    { reason: 'settings directly in the folder', content: { 'app.yaml': '', 'nginx.conf': '', '.env': '', 'README.md': '', 'package.json': '' }, settings: ['.env', 'app.yaml', 'nginx.conf'], folders: [] },
    { reason: 'settings below, live before others', content: { 'a/x.toml': '', 'live/y.ini': '', 'deep/er/z.json': '' }, settings: [], folders: ['live', 'a', 'deep/er'] },
    { reason: 'what is never live', content: { 'node_modules/x.json': '', '.git/config': '', 'desired/a.yaml': '', 'holdfast.yaml': '' }, settings: [], folders: [] },
  ])('$reason', ({ content, settings, folders }) => {
    expect(recognise(folderWith(content))).toEqual({ settings, folders });
  });
});

describe('initPlan writes a configuration that loads', () => {
  test.each<{ reason: string; content: Files; root?: string; live: string }>([
    { reason: 'a folder of settings', content: { 'app.yaml': 'a: 1' }, live: '' },
    { reason: 'a folder with settings in one below', content: { 'etc/app.yaml': 'a: 1' }, live: 'etc' },
    { reason: 'an empty folder', content: {}, live: 'live' },
    { reason: 'a live folder that is named', content: { 'x.yaml': '', 'srv/My App! ✓/a.conf': '' }, root: 'srv/My App! ✓', live: 'srv/My App! ✓' },
    { reason: 'the folder itself, named', content: { 'x.yaml': '' }, root: '.', live: '' },
  ])('$reason', async ({ content, root, live }) => {
    const folder = folderWith(content);
    const plan = initPlan({ folder, ...(root === undefined ? {} : { root }) });
    expect(relative(folder, plan.root)).toBe(live);
    expect(plan.desired).toBe(join(folder, 'desired'));
    expect(plan.desiredMissing).toBe(true);
    const made = folderWith({ 'holdfast.yaml': plan.config });
    const config = await loadConfig({ file: join(made, 'holdfast.yaml'), providers: { files } });
    expect(config.warnings).toEqual([]);
    expect(`dev/${config.targets[0]?.target}`).toBe(plan.address);
    const inside = live === '';
    expect(config.targets[0]?.spec).toMatchObject({ unmanaged: inside ? 'ignore' : 'report', protect: inside ? ['holdfast.yaml', 'desired/**', '.holdfast/**'] : [] });
  });

  test('a desired state that is there is kept', () => {
    const folder = folderWith({ 'etc/a.yaml': '' });
    mkdirSync(join(folder, 'desired'));
    expect(initPlan({ folder }).desiredMissing).toBe(false);
  });

  test('a live folder that is not there is refused', () => {
    expect(() => initPlan({ folder: folderWith({}), root: 'nope' })).toThrow(/is not a folder/);
  });
});
