import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Json } from '../../../src/domain/json.js';
import type { Target } from '../../../src/domain/target.js';
import { files } from '../../../src/providers/files/index.js';
import { filesSpec, resolveFilesSpec } from '../../../src/providers/files/spec.js';
import { CANARY, type Harness, type Subject } from '../subject.js';

export interface FilesSubject extends Subject {
  readonly folder: string;
  readonly desired: string;
  /** The root as configured. */
  readonly root: string;
  readonly write: (resource: string, content: string | Buffer, mode?: number) => void;
  readonly read: (resource: string) => string;
}

export const DESIRED: Readonly<Record<string, string>> = {
  'etc/app.yaml': '# the shop\ndb:\n  pool: 10 # connections\n  password: correct-horse\nhosts:\n  - b\n  - a\nfeatures:\n  search: true\n',
  'etc/limits.json': '{\n  "rate": 5,\n  "burst": 10\n}\n',
  'etc/service.env': 'PORT=8080\nAPI_TOKEN=blue\n',
  'etc/other.toml': 'title = "shop"\n[cache]\nsize = 3\n',
  'index.html': '<h1>shop</h1>\n<p>open</p>\n',
  'bin/run': '#!/bin/sh\nexit 0\n',
  'unrelated.txt': 'one\ntwo\n',
};

export async function makeSubject(mode: 'link' | 'in-place', spec: Record<string, Json> = {}, desiredFiles: Readonly<Record<string, string>> = DESIRED): Promise<FilesSubject> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-files-'));
  const desired = join(folder, 'desired');
  const root = join(folder, 'live');
  const first = mode === 'link' ? join(folder, 'live.releases', 'first') : root;
  const store = { folder: join(folder, 'store') };
  mkdirSync(store.folder, { recursive: true });
  for (const base of [desired, first]) for (const [path, content] of Object.entries(desiredFiles)) put(base, path, content, path.startsWith('bin/') ? 0o755 : 0o644);
  if (mode === 'link') symlinkSync('live.releases/first', root);
  const reloads = join(folder, 'reloads');
  const parsed = filesSpec.parse({ root, unmanaged: 'remove', sets: ['/hosts'], reload: { command: ['touch', '--', reloads] }, ...spec });
  const target: Target = {
    environment: 'prod', target: 'storefront', provider: 'files', pool: 'prod', source: { type: 'folder', folder: desired },
    spec: resolveFilesSpec(parsed, folder), expect: {}, health: [], ignore: [], remediation: 'ask',
    soakMs: 0, settleMs: 0, blindAfterMs: 60_000, observeTimeoutMs: 60_000, after: [],
  };
  const write = (resource: string, content: string | Buffer, permissions?: number): void => { put(root, resource, content, permissions); };
  const read = (resource: string): string => readFileSync(join(root, resource), 'utf8');
  return {
    folder, desired, root, target, store, write, read,
    revision: { folder: desired },
    drift: () => {
      write('etc/app.yaml', `# by hand\ndb:\n  pool: 99 # connections\n  password: ${CANARY}\nhosts: [b, a]\nfeatures:\n  search: true\nextra: {debug: true}\n`);
      write('index.html', '<h1>shop</h1>\n<p>closed</p>\n');
      write('etc/service.env', `PORT=8080\nAPI_TOKEN=${CANARY}\n`);
      write('left-behind.bak', 'old\n', 0o600);
      chmodSync(join(root, 'bin/run'), 0o644);
      unlinkSync(join(root, 'etc/limits.json'));
    },
    driftElsewhere: () => { write('unrelated.txt', 'one\nthree\n'); },
    editElsewhere: () => { put(desired, 'etc/other.toml', 'title = "shop"\n[cache]\nsize = 4\n'); },
    rewriteAlike: () => {
      write('etc/app.yaml', 'features: {search: true, beta: null}\nhosts: [a, b]\ndb: {password: "correct-horse", pool: "10"}\n');
      write('etc/limits.json', '{"burst":10,"rate":5}');
      write('etc/service.env', '# sorted\nAPI_TOKEN="blue"\nPORT=8080\n');
      utimesSync(join(root, 'index.html'), 1, 1);
    },
    moveDrift: () => {
      write('etc/app.yaml', read('etc/app.yaml').replace(/pool: \d+/, 'pool: 7'));
      write('index.html', '<h1>moved</h1>\n');
    },
    live: () => treeOf(realpathSync(root)),
    dispose: () => { rmSync(folder, { recursive: true, force: true }); },
  };
}

export function harnessFor(mode: 'link' | 'in-place'): Harness {
  return {
    name: `files (${mode})`,
    provider: files,
    make: () => makeSubject(mode),
    unreadable: [
      { reason: 'an absent root', make: (subject) => { rmSync(rootOf(subject), { recursive: true, force: true }); } },
      { reason: 'a root that leads in a circle', make: (subject) => { relink(rootOf(subject), rootOf(subject)); } },
      { reason: 'a file in place of the root', make: (subject) => { rmSync(rootOf(subject), { recursive: true }); writeFileSync(rootOf(subject), 'x'); } },
      { reason: 'an empty root, as an unmounted disk is', make: (subject) => { empty(realpathSync(rootOf(subject))); } },
      { reason: 'an absent desired state', make: (subject) => { rmSync(subject.revision.folder, { recursive: true }); } },
      { reason: 'an empty desired state, which would delete everything', make: (subject) => { empty(subject.revision.folder); } },
      { reason: 'a desired state that is a file', make: (subject) => { rmSync(subject.revision.folder, { recursive: true }); writeFileSync(subject.revision.folder, 'x'); } },
    ],
  };
}

/** Paths with content and permissions. A lock of an attempt that was cut short is no part of it, and nothing else is left out. */
function treeOf(root: string, within = ''): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(join(root, within)).sort()) {
    if (name === '.holdfast-lock') continue;
    const path = within === '' ? name : `${within}/${name}`;
    const stats = lstatSync(join(root, path));
    const what = `${stats.uid}:${stats.gid} ${(stats.mode & 0o7777).toString(8)}`;
    if (stats.isDirectory()) Object.assign(tree, { [path]: `folder ${what}` }, treeOf(root, path));
    else tree[path] = stats.isSymbolicLink() ? `link ${readlinkSync(join(root, path))}` : `${what} ${readFileSync(join(root, path), 'base64')}`;
  }
  return tree;
}

export function put(base: string, path: string, content: string | Buffer, mode?: number): void {
  const file = join(base, path);
  mkdirSync(dirname(file), { recursive: true });
  const before = existsSync(file) ? lstatSync(file).mode & 0o777 : 0o644;
  writeFileSync(file, content);
  chmodSync(file, mode ?? before);
}

function rootOf(subject: Subject): string {
  return (subject.target.spec as { root: string }).root;
}

function relink(path: string, to: string): void {
  rmSync(path, { recursive: true, force: true });
  symlinkSync(to, path);
}

function empty(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}
