import { chmodSync, chownSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Observation } from '../../../src/domain/change.js';
import type { Json } from '../../../src/domain/json.js';
import { files } from '../../../src/providers/files/index.js';
import { look } from '../../../src/providers/look.js';
import { readContext } from '../contexts.js';
import { CANARY } from '../subject.js';
import { DESIRED, makeSubject, put, type FilesSubject } from './harness.js';

const made: FilesSubject[] = [];
afterEach(() => {
  for (const subject of made.splice(0)) subject.dispose();
});

async function subjectWith(spec: Record<string, Json> = {}, desired: Readonly<Record<string, string>> = DESIRED): Promise<FilesSubject> {
  const subject = await makeSubject('in-place', spec, desired);
  made.push(subject);
  return subject;
}

const see = (subject: FilesSubject, commit?: string): Promise<Observation> => look(files, subject.target, commit === undefined ? subject.revision : { ...subject.revision, commit }, readContext(subject.store));
const brief = (observation: Observation): unknown[] => observation.changes.map(({ resource, kind, path, effect }) => [resource, kind, path, effect]);

describe('what stands in the live root', () => {
  const rows: { reason: string; make: (subject: FilesSubject) => void; found: unknown[]; skipped?: string }[] = [
    { reason: 'a file that is gone is missing', make: ({ root }) => { unlinkSync(join(root, 'index.html')); }, found: [['index.html', 'missing', '', 'create']] },
    { reason: 'a file that nobody asked for is unmanaged', make: ({ write }) => { write('x.bak', 'x'); }, found: [['x.bak', 'unmanaged', '', 'delete']] },
    { reason: 'a link that nobody asked for too', make: ({ root }) => { symlinkSync('/etc/passwd', join(root, 'x')); }, found: [['x', 'unmanaged', '', 'delete']] },
    { reason: 'permissions differ', make: ({ root }) => { chmodSync(join(root, 'index.html'), 0o666); }, found: [['index.html', 'changed', '@mode', 'update']] },
    {
      reason: 'a link where a file should be is another type, wherever it leads', found: [['index.html', 'changed', '@type', 'replace']],
      make: ({ root, desired }) => { rmSync(join(root, 'index.html')); symlinkSync(join(desired, 'index.html'), join(root, 'index.html')); },
    },
    {
      reason: 'a folder where a file should be is another type', found: [['index.html', 'changed', '@type', 'replace']],
      make: ({ root }) => { rmSync(join(root, 'index.html')); mkdirSync(join(root, 'index.html')); },
    },
    {
      reason: 'what is below a link to elsewhere is missing', found: [['bin/run', 'missing', '', 'create']],
      make: ({ root, folder }) => { renameSync(join(root, 'bin'), join(folder, 'elsewhere')); symlinkSync(join(folder, 'elsewhere'), join(root, 'bin')); },
    },
    {
      reason: 'another name of a file elsewhere is another type, and nothing of it is shown', found: [['index.html', 'changed', '@type', 'replace']],
      make: ({ root, folder }) => { writeFileSync(join(folder, 'shadow'), CANARY); rmSync(join(root, 'index.html')); linkSync(join(folder, 'shadow'), join(root, 'index.html')); },
    },
    { reason: 'a pipe is said and not waited for', make: ({ root }) => { execFileSync('mkfifo', [join(root, 'pipe')]); }, found: [], skipped: 'pipe' },
    { reason: 'an empty folder is nothing', make: ({ root }) => { mkdirSync(join(root, 'empty')); }, found: [] },
    { reason: "what Holdfast and Git keep is not compared", make: ({ write }) => { write('.holdfast-identity', 'team=web'); write('.git/HEAD', 'x'); }, found: [] },
  ];
  it.each(rows)('$reason', async ({ make, found, skipped }) => {
    const subject = await subjectWith();
    make(subject);
    const observation = await see(subject);
    expect(brief(observation)).toEqual(found);
    expect(observation.verdict).toBe(found.length === 0 ? 'clean' : 'drifted');
    if (skipped !== undefined) expect(observation.skipped.map((each) => each.resource)).toContain(skipped);
    expect(JSON.stringify(observation)).not.toContain(CANARY);
  });

  it('names with line breaks and escapes are names', async () => {
    const subject = await subjectWith();
    subject.write('a\n\u001b[31mred', 'x');
    expect((await see(subject)).changes.map((change) => change.resource)).toEqual(['a\n\u001b[31mred']);
  });

  it('a name that is not text is said', async () => {
    const subject = await subjectWith();
    writeFileSync(Buffer.concat([Buffer.from(`${subject.root}/`), Buffer.from([0x66, 0xff])]), 'x');
    expect((await see(subject)).skipped.map((each) => each.reason)).toEqual(['its name is not valid UTF-8']);
  });
});

describe('what the spec asks for', () => {
  const unmanaged: { spec: Record<string, Json>; found: number; reason: string }[] = [
    { spec: { unmanaged: 'report' }, found: 1, reason: 'reported, for a person' },
    { spec: { unmanaged: 'remove' }, found: 1, reason: 'reported, for a repair' },
    { spec: { unmanaged: 'ignore' }, found: 0, reason: 'ignored and said' },
    { spec: { protect: ['data/**'] }, found: 0, reason: 'protected and said' },
  ];
  it.each(unmanaged)('unmanaged files are $reason', async ({ spec, found }) => {
    const subject = await subjectWith(spec);
    subject.write('data/x', 'x');
    const observation = await see(subject);
    expect([observation.changes.length, observation.skipped.length]).toEqual([found, 1 - found]);
  });

  it('permissions are compared with the rule where there is one, and not at all where nobody asks', async () => {
    const subject = await subjectWith({ modes: { '**': '0644', 'bin/*': '0750' } });
    expect((await see(subject)).changes).toMatchObject([{ resource: 'bin/run', path: '@mode', desired: '0750', actual: '0755' }]);
    const lax = await subjectWith({ compareMode: false });
    chmodSync(join(lax.root, 'index.html'), 0o777);
    expect((await see(lax)).verdict).toBe('clean');
  });

  it('of a Git source only whether a file may be executed is compared, whatever mask it was checked out under', async () => {
    const subject = await subjectWith();
    chmodSync(join(subject.desired, 'index.html'), 0o600);
    expect((await see(subject, 'c0ffee')).verdict).toBe('clean');
    chmodSync(join(subject.root, 'bin/run'), 0o640);
    expect((await see(subject, 'c0ffee')).changes).toMatchObject([{ resource: 'bin/run', path: '@mode', desired: '0750', actual: '0640' }]);
  });

  it.runIf(process.geteuid?.() === 0)('owners are compared where they are declared', async () => {
    const subject = await subjectWith({ owners: { '**': 'root', 'index.html': '12:34' } });
    expect((await see(subject)).changes).toMatchObject([{ resource: 'index.html', path: '@owner', desired: '12:34', actual: '0:0' }]);
    chownSync(join(subject.root, 'index.html'), 12, 34);
    expect((await see(subject)).verdict).toBe('clean');
  });

  it('an owner that this machine does not know is unknown', async () => {
    const subject = await subjectWith({ owners: { '**': 'no-such-user-here' } });
    expect((await see(subject)).reason).toMatch(/knows no user no-such-user-here/);
  });

  it('larger files are left out and said', async () => {
    const subject = await subjectWith({ maxFileBytes: 16 });
    subject.write('bin/run', '#!/bin/sh\nexit 9\n');
    const observation = await see(subject);
    expect(observation.changes).toEqual([]);
    expect(observation.skipped.map((each) => each.resource)).toContain('bin/run');
  });

  it('who answers is told by the machine, and by a marker where there is one', async () => {
    const subject = await subjectWith();
    expect(Object.keys((await see(subject)).identity)).toEqual(['host', 'root']);
    subject.write('.holdfast-identity', '# which\nhost = shop-prod\naccount=42\n');
    expect((await see(subject)).identity).toEqual({ host: 'shop-prod', root: subject.root, account: '42' });
    expect(await look(files, { ...subject.target, expect: { host: 'shop-prod' } }, subject.revision, readContext(subject.store))).toMatchObject({ verdict: 'clean' });
  });
});

describe('what differs in a file', () => {
  const write = (name: string, desired: string | Buffer, live: string | Buffer) => async (spec: Record<string, Json> = {}): Promise<Observation> => {
    const subject = await subjectWith(spec);
    put(subject.desired, name, desired, 0o644);
    subject.write(name, live, 0o644);
    return see(subject);
  };

  it('text is shown as a unified diff with digests', async () => {
    const { changes } = await write('a.conf', 'a\nb\nc\n', 'a\nB\nc\n')();
    expect(changes).toMatchObject([{ path: '@content', sensitive: false, desired: { bytes: 6 }, actual: { bytes: 6 } }]);
    expect(changes[0]?.text).toBe('--- desired\n+++ actual\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n');
  });

  it('text with a secret in what differs is sensitive: no values, and a picture without it', async () => {
    const { changes } = await write('a.conf', 'x 1\npassword right\n', `x 2\npassword ${CANARY}\n`)();
    expect(changes).toMatchObject([{ path: '@content', sensitive: true }]);
    expect(changes[0]).not.toHaveProperty('desired');
    expect(changes[0]?.text).toContain('-x 1\n+x 2\n password (redacted)');
  });

  it('a picture is at most 16 KiB', async () => {
    const lines = (word: string): string => Array.from({ length: 3000 }, (_, index) => `${word} ${index}`).join('\n');
    const { changes } = await write('a.conf', lines('ä'), lines('ö'))();
    expect(Buffer.byteLength(changes[0]?.text ?? '')).toBeLessThanOrEqual(16 * 1024);
    expect(Buffer.byteLength(changes[0]?.text ?? '')).toBeGreaterThan(0);
  });

  it('binary files differ by digest', async () => {
    const { changes } = await write('a.bin', Buffer.from([0, 1]), Buffer.from([0, 2]))();
    expect(changes).toMatchObject([{ path: '@content', desired: { bytes: 2 } }]);
    expect(changes[0]).not.toHaveProperty('text');
  });

  it('a structured file that cannot be read is compared as text, and its parser says nothing', async () => {
    const { changes } = await write('a.yaml', 'a: 1\n', `a: [${CANARY}\npassword: ${CANARY}\n`)({ sensitive: ['a.yaml'] });
    expect(changes).toMatchObject([{ path: '@content', sensitive: true }]);
    expect(JSON.stringify(changes)).not.toContain(CANARY);
  });

  it.each([
    { sensitive: ['a.json'], reason: 'by its file' },
    { sensitive: ['/x/*'], reason: 'by its path' },
    { sensitive: [{ resource: '*.json', path: '/x/y' }], reason: 'by both' },
  ])('a field is sensitive $reason', async ({ sensitive }) => {
    const { changes } = await write('a.json', '{"x":{"y":"right"}}', `{"x":{"y":"${CANARY}"}}`)({ sensitive });
    expect(changes).toMatchObject([{ path: '/x/y', sensitive: true }]);
    expect(JSON.stringify(changes)).not.toContain(CANARY);
  });

  it('a value that is long is told by its digest', async () => {
    const { changes } = await write('a.json', '{"x":"short"}', JSON.stringify({ x: 'long'.repeat(1000) }))();
    expect(changes).toMatchObject([{ desired: 'short', actual: { bytes: 4002 } }]);
  });
});
