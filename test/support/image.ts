import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './quickstart.js';

/** The installed program as an image holds it: what the package needs to run and nothing else, readable by every user. */
export interface Image {
  readonly folder: string;
  readonly holdfast: string;
  /** A Node that every user can start. */
  readonly node: string;
  remove(): void;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean; readonly optional?: boolean }>>;
}

/** Some user that owns nothing here; only root can become it. */
export const STRANGER = 54_321;

/** `parts` are the files and folders that are copied beside `node_modules`. */
export async function makeImage(parts: readonly string[] = ['package.json', 'bin', 'dist', 'examples', 'policies']): Promise<Image> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-image-'));
  await chmod(folder, 0o755);
  for (const part of parts) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  installPackages(folder);
  const node = isReachable(realpathSync(process.execPath)) ? process.execPath : copied(process.execPath, join(folder, 'node'));
  return { folder, node, holdfast: join(folder, 'bin', 'holdfast'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The packages that are there without development; linked where every user may follow a link, else copied. */
function installPackages(folder: string): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const from = realpathSync(join(ROOT, 'node_modules'));
  const present = new Set(readdirSync(from).flatMap((name) => (name.startsWith('@') ? readdirSync(join(from, name)).map((inner) => `${name}/${inner}`) : [name])));
  const names = Object.entries(packages).flatMap(([path, { dev, devOptional }]) => (dev === true || devOptional === true ? [] : /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1] ?? []));
  const link = isReachable(from);
  for (const name of names.filter((each) => present.has(each))) {
    const to = join(folder, 'node_modules', name);
    mkdirSync(dirname(to), { recursive: true });
    if (link) symlinkSync(join(from, name), to);
    else cpSync(join(from, name), to, { recursive: true, dereference: true });
  }
}

function isReachable(path: string): boolean {
  if (process.getuid?.() !== 0) return true;
  return spawnSync('test', ['-r', path], { uid: STRANGER, gid: STRANGER, cwd: '/' }).status === 0;
}

function copied(from: string, to: string): string {
  cpSync(realpathSync(from), to);
  return to;
}
