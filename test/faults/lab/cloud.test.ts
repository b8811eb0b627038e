import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openCloud, type Caller, type Cloud } from './cloud.js';

const folders: string[] = [];
const clouds: Cloud[] = [];

function open(): Cloud {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-cloud-'));
  folders.push(folder);
  const cloud = openCloud(join(folder, 'cloud.db'));
  clouds.push(cloud);
  cloud.create('a', { desired: { r1: 'new', r2: 'new' }, live: { r1: 'old', r2: 'old' } });
  return cloud;
}

afterEach(() => {
  for (const cloud of clouds.splice(0)) cloud.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const by = (fence: number): Caller => ({ account: 'a', fence, key: 'k', attempt: 'one' });

/** The laboratory proves nothing with an engine that does not do what the faults claim. */
describe('the engine of the laboratory', () => {
  test('a write under a seen version lands; one under another is refused and logged', () => {
    const cloud = open();
    cloud.putMany('a', [{ name: 'r1', value: 'new', version: 1 }], by(1));
    expect(() => { cloud.putMany('a', [{ name: 'r1', value: 'newer', version: 1 }], by(1)); }).toThrow('version 2');
    expect(cloud.live('a')).toEqual({ r1: 'new', r2: 'old' });
    expect(cloud.log.of('a').map((line) => line.what)).toEqual(['effect', 'refused']);
  });

  test('a call with an older fence comes too late, also one that was under way', async () => {
    const cloud = open();
    cloud.later('a', 10, { call: 'putMany', items: [{ name: 'r1', value: 'late', version: 1 }], as: by(1) });
    cloud.claim('a', by(2));
    await new Promise((resolve) => setTimeout(resolve, 30));
    cloud.tick();
    expect(cloud.live('a')).toEqual({ r1: 'old', r2: 'old' });
    expect(cloud.log.of('a').at(-1)).toMatchObject({ what: 'refused', label: 'fenced' });
  });

  test('reads lag behind a write for as long as they are told to, and see it then', async () => {
    const cloud = open();
    cloud.putMany('a', [{ name: 'r1', value: 'new', version: 1 }], by(1));
    cloud.lag('a', 40);
    expect(cloud.get('a', 'r1').resource?.value).toBe('old');
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(cloud.get('a', 'r1').resource?.value).toBe('new');
  });

  test('a drift of several resources lags whole', () => {
    const cloud = open();
    cloud.drift('a', { r1: 'x', r2: 'y' });
    cloud.lag('a', 10_000);
    expect(cloud.list('a').items.map((each) => each.value)).toEqual(['old', 'old']);
  });

  test('a stranger answers with another name, and lets nobody write who means the account', () => {
    const cloud = open();
    cloud.stranger('a', 10_000);
    expect([cloud.list('a').account, cloud.get('a', 'r1').account]).toEqual(['somebody-else', 'somebody-else']);
    expect(() => { cloud.putMany('a', [{ name: 'r1', value: 'new', version: 1 }], by(1)); }).toThrow('somebody-else');
    expect(cloud.live('a')).toEqual({ r1: 'old', r2: 'old' });
  });

  test('a call for several resources may stop in the middle: what it got to is done', () => {
    const cloud = open();
    cloud.putMany('a', [{ name: 'r1', value: 'new', version: 1 }, { name: 'r2', value: null, version: 1 }], by(1), 1);
    expect(cloud.live('a')).toEqual({ r1: 'new', r2: 'old' });
  });
});
