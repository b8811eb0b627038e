import { describe, expect, it } from 'vitest';
import { filesSpec, readSpec, resolveFilesSpec } from '../../../src/providers/files/spec.js';

describe('the spec of a files target', () => {
  it('makes paths absolute against the folder of the configuration', () => {
    const spec = resolveFilesSpec(filesSpec.parse({
      root: 'live/current/', releases: '../releases', validate: ['./check', '{release}'],
      reload: { signal: 'SIGHUP', pidFile: 'service.pid' },
      shadow: { command: ['node', 'server.mjs'], health: [{ type: 'tcp' }] },
    }), '/srv/conf');
    expect(spec).toMatchObject({
      root: '/srv/conf/live/current', releases: '/srv/releases', cwd: '/srv/conf',
      validate: ['/srv/conf/check', '{release}'], reload: { pidFile: '/srv/conf/service.pid' }, shadow: { command: ['node', 'server.mjs'] },
    });
    expect(readSpec(spec)).toEqual(spec);
  });

  it('keeps releases beside the root where nothing else is said', () => {
    expect(resolveFilesSpec(filesSpec.parse({ root: 'live' }), '/srv')).toMatchObject({ releases: '/srv/live.releases', unmanaged: 'report', mode: 'auto', keepReleases: 3 });
  });

  it.each([
    { spec: { root: 'live' }, reason: /is not absolute/ },
    { spec: { root: '/' }, reason: /may not be the root of the file system/ },
    { spec: { root: '/srv', releases: '/srv/releases' }, reason: /lies inside the root/ },
    { spec: { root: '/srv', sudo: true }, reason: /spec\./ },
    { spec: { root: '/srv', modes: { '*': 'rw' } }, reason: /octal digits/ },
    { spec: { root: '/srv', commandTimeout: '5 minuets' }, reason: /write a duration/ },
    { spec: {}, reason: /spec\.root/ },
  ])('refuses $spec', ({ spec, reason }) => {
    expect(() => readSpec(spec)).toThrow(reason);
  });
});
