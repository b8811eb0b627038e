import { chmodSync, linkSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../src/domain/json.js';
import { files } from '../../../src/providers/files/index.js';
import { look } from '../../../src/providers/look.js';
import type { Adoption } from '../../../src/providers/provider.js';
import { withFiles } from '../adopting.js';
import { readContext } from '../contexts.js';
import { makeSubject, put, type FilesSubject } from './harness.js';

const made: FilesSubject[] = [];

afterEach(() => {
  for (const subject of made.splice(0)) subject.dispose();
});

interface Row {
  readonly reason: string;
  readonly desired?: Readonly<Record<string, string>>;
  readonly spec?: Record<string, Json>;
  readonly drift: (subject: FilesSubject) => void;
  readonly git?: boolean;
}

async function adoptAll({ desired, spec, drift, git }: Row): Promise<{ subject: FilesSubject; adoption: Adoption }> {
  const subject = await makeSubject('in-place', spec, desired);
  made.push(subject);
  drift(subject);
  const revision = git === true ? { ...subject.revision, commit: 'c'.repeat(40) } : subject.revision;
  const { changes } = await look(files, subject.target, revision, readContext(subject.store));
  expect(changes.length).toBeGreaterThan(0);
  const adoption = await files.adopt?.(subject.target, revision, changes, readContext(subject.store));
  if (adoption === undefined) throw new Error('the files provider adopts');
  return { subject, adoption };
}

const CONFIG = { 'etc/app.yaml': '# the shop\nport: 1 # listens here\nhost: a\n', keep: 'k\n' };

describe('what is adopted', () => {
  const rows: (Row & { readonly becomes: Readonly<Record<string, string | undefined>> })[] = [
    { reason: 'a field, and the comments of the desired file stay', desired: CONFIG, drift: ({ write }) => { write('etc/app.yaml', 'host: a\nport: 2\n'); }, becomes: { 'etc/app.yaml': '# the shop\nport: 2 # listens here\nhost: a\n' } },
    { reason: 'a field that is new', desired: CONFIG, drift: ({ write }) => { write('etc/app.yaml', 'port: 1\nhost: a\nlimits:\n  rps: 5\n'); }, becomes: { 'etc/app.yaml': '# the shop\nport: 1 # listens here\nhost: a\nlimits:\n  rps: 5\n' } },
    { reason: 'a field that is gone', desired: CONFIG, drift: ({ write }) => { write('etc/app.yaml', 'port: 1\n'); }, becomes: { 'etc/app.yaml': '# the shop\nport: 1 # listens here\n' } },
    { reason: 'a field of JSON, in the layout of the desired file', desired: { 'a.json': '{\n    "b": 1,\n    "a": 2\n}\n' }, drift: ({ write }) => { write('a.json', '{"a":3,"b":1}'); }, becomes: { 'a.json': '{\n    "b": 1,\n    "a": 3\n}\n' } },
    { reason: 'a line of TOML', desired: { 'a.toml': '# c\na = 1 # one\nz = 1.0\n' }, drift: ({ write }) => { write('a.toml', 'z = 1.0\na = 2\n'); }, becomes: { 'a.toml': '# c\na = 2 # one\nz = 1.0\n' } },
    { reason: 'a variable beside a secret that stays as it is', desired: { 'a.env': '# c\nAPI_TOKEN=blue\nPORT=1\n' }, drift: ({ write }) => { write('a.env', 'PORT=2\nAPI_TOKEN=blue\n'); }, becomes: { 'a.env': '# c\nAPI_TOKEN=blue\nPORT=2\n' } },
    { reason: 'the content of a plain file', desired: CONFIG, drift: ({ write }) => { write('keep', 'other\n'); }, becomes: { keep: 'other\n' } },
    { reason: 'a file that is gone', desired: CONFIG, drift: ({ root }) => { rmSync(join(root, 'etc/app.yaml')); }, becomes: { 'etc/app.yaml': undefined } },
    { reason: 'a file that is unmanaged, in a folder that is new', desired: CONFIG, drift: ({ write }) => { write('conf.d/extra.conf', 'x 1\n'); }, becomes: { 'conf.d/extra.conf': 'x 1\n' } },
    { reason: 'an unmanaged file also where Holdfast would only report it', desired: CONFIG, spec: { unmanaged: 'report' }, drift: ({ write }) => { write('extra', 'x\n'); }, becomes: { extra: 'x\n' } },
    { reason: 'a file whose layout no library keeps, as a whole', desired: { 'a.yaml': 'x: &a {b: 1}\ny: *a\n' }, drift: ({ write }) => { write('a.yaml', 'x: {b: 2}\ny: {b: 1}\n'); }, becomes: { 'a.yaml': 'x: {b: 2}\ny: {b: 1}\n' } },
  ];
  it.each(rows)('$reason', async ({ becomes, ...row }) => {
    const { subject, adoption } = await adoptAll(row);
    if (!adoption.possible) throw new Error(adoption.reason);
    expect(Object.fromEntries(adoption.files.map((file) => [file.path, file.content === undefined ? undefined : Buffer.from(file.content).toString('utf8')]))).toEqual(becomes);
    expect(await look(files, subject.target, withFiles(subject, adoption.files), readContext(subject.store))).toMatchObject({ verdict: 'clean' });
  });

  it('permissions: all of them into a folder, and only the executable bit into Git', async () => {
    const drift = ({ root }: FilesSubject): void => { chmodSync(join(root, 'keep'), 0o755); };
    const inFolder = await adoptAll({ reason: '', desired: CONFIG, drift });
    expect(inFolder.adoption).toMatchObject({ possible: true, files: [{ path: 'keep', mode: 0o755 }] });
    const inGit = await adoptAll({ reason: '', desired: CONFIG, drift, git: true });
    expect(inGit.adoption).toMatchObject({ possible: true, files: [{ path: 'keep', mode: 0o755 }] });
  });
});

describe('what is not adopted, and what to do instead', () => {
  const rows: (Row & { readonly says: RegExp })[] = [
    { reason: 'a secret field', desired: { 'a.yaml': 'password: one\nx: 1\n' }, drift: ({ write }) => { write('a.yaml', 'password: two\nx: 1\n'); }, says: /sensitive.*by hand/ },
    { reason: 'a secret that comes with a file', desired: CONFIG, drift: ({ write }) => { write('extra.conf', 'api_token = abcdef\n'); }, says: /looks like a secret/ },
    { reason: 'a private key in an unmanaged file', desired: CONFIG, drift: ({ write }) => { write('id', '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n'); }, says: /looks like a secret/ },
    { reason: 'a file that the configuration calls sensitive', desired: CONFIG, spec: { sensitive: ['extra'] }, drift: ({ write }) => { write('extra', 'x\n'); }, says: /looks like a secret/ },
    { reason: 'a link in place of a file', desired: CONFIG, drift: ({ root }) => { rmSync(join(root, 'keep')); symlinkSync('etc/app.yaml', join(root, 'keep')); }, says: /symbolic link/ },
    { reason: 'an unmanaged link', desired: CONFIG, drift: ({ root }) => { symlinkSync('/etc/passwd', join(root, 'link')); }, says: /symbolic link/ },
    { reason: 'a hard link', desired: CONFIG, drift: ({ root, folder }) => { writeFileSync(join(folder, 'elsewhere'), 'x'); linkSync(join(folder, 'elsewhere'), join(root, 'linked')); }, says: /hard link/ },
    { reason: 'a set-id bit', desired: CONFIG, drift: ({ root }) => { chmodSync(join(root, 'keep'), 0o4755); }, says: /set-id/ },
    { reason: 'permissions that spec.modes sets', desired: CONFIG, spec: { modes: { '**': '0644' } }, drift: ({ root }) => { chmodSync(join(root, 'keep'), 0o600); }, says: /spec.modes/ },
    { reason: 'what would leave nothing desired', desired: { only: 'x\n' }, drift: ({ root, write }) => { write('.holdfast-identity', 'id'); rmSync(join(root, 'only')); }, says: /no file any more/ },
  ];
  it.each(rows)('$reason', async ({ says, ...row }) => {
    const { adoption } = await adoptAll(row);
    expect(adoption).toMatchObject({ possible: false, reason: expect.stringMatching(says) as string });
  });

  it('one field of a file whose layout cannot take it alone, while the rest stays', async () => {
    const subject = await makeSubject('in-place', {}, { 'a.yaml': 'x: &a {b: 1}\ny: *a\nz: 1\n' });
    made.push(subject);
    put(subject.root, 'a.yaml', 'x: {b: 2}\ny: {b: 1}\nz: 2\n');
    const { changes } = await look(files, subject.target, subject.revision, readContext(subject.store));
    const adoption = await files.adopt?.(subject.target, subject.revision, changes.filter((change) => change.path === '/x/b'), readContext(subject.store));
    expect(adoption).toMatchObject({ possible: false, reason: expect.stringMatching(/layout/) as string });
    expect(readFileSync(join(subject.desired, 'a.yaml'), 'utf8')).toContain('&a');
  });
});
