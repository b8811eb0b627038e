import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Image } from './image.js';
import { startCommand, type Running } from './processes.js';
import type { Site } from './site.js';
import { eventually } from './waiting.js';

export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Not the owner of the live files, so it needs to be allowed to give files away. */
  readonly givesAway?: boolean;
}

/** Users that nobody made: numbers are enough. The live files belong to `write-1` and its group; `write-3` is of that group and no more. */
export const USERS = {
  control: { uid: 61_021, gid: 61_020 },
  'read-1': { uid: 61_001, gid: 61_030 },
  'read-2': { uid: 61_002, gid: 61_030 },
  'write-1': { uid: 61_011, gid: 61_010 },
  'write-2': { uid: 61_012, gid: 61_010, givesAway: true },
  'write-3': { uid: 61_013, gid: 61_010 },
} as const satisfies Readonly<Record<string, User>>;

export type Role = keyof typeof USERS;
export const ROLES = Object.keys(USERS) as readonly Role[];

/** Only root can become others. */
export const canBeOthers = process.getuid?.() === 0 && spawnSync('setpriv', [...setpriv(USERS['write-2']), 'true']).status === 0;

export interface Topology {
  folderOf(role: Role): string;
  start(role: Role, options?: { readonly pool?: string }): Promise<Running>;
  /** Runs a program as this process would be, to see what it may. */
  tryAs(role: Role, command: readonly string[], env?: Readonly<Record<string, string>>): { readonly code: number | null; readonly said: string };
  /** Everything of this process's own disk is gone, as with its machine. */
  loseDisk(role: Role): Promise<void>;
}

export interface TopologyOptions {
  readonly image: Image;
  readonly site: Site;
  /** Where the work folders are made, in a folder of the test's own. */
  readonly folder: string;
  /** What each process, and nobody else, is given. */
  readonly env: (role: Role) => Readonly<Record<string, string>>;
  /** Whoever is started is said there. */
  readonly onStart: (running: Running) => void;
}

/** The processes of docker-compose.yml, as processes of this machine: each with its own user, work folder and credentials. */
export async function openTopology(options: TopologyOptions): Promise<Topology> {
  const { image, site, folder, onStart } = options;
  await mkdir(folder, { recursive: true });
  await Promise.all([dirname(folder), folder, site.folder].map((each) => chmod(each, 0o755)));
  const folderOf = (role: Role): string => join(folder, role);
  for (const role of ROLES) await makeFolder(role);
  if (canBeOthers) giveFiles(join(site.folder, 'live'), USERS['write-1']);

  async function makeFolder(role: Role): Promise<void> {
    await mkdir(folderOf(role), { mode: 0o700 });
    if (canBeOthers) execFileSync('chown', [`${USERS[role].uid}:${USERS[role].gid}`, folderOf(role)]);
  }

  const envOf = (role: Role): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: folderOf(role), NODE_COMPILE_CACHE: join(folderOf(role), 'cache'), ...options.env(role) });

  return {
    folderOf,
    async start(role, { pool = 'host' } = {}) {
      const access = role.split('-')[0] ?? '';
      const args = access === 'control' ? ['--access', 'none'] : ['--pool', pool, '--access', access];
      const running = startCommand({
        command: as(role, [image.node, image.holdfast, 'worker', '--config', site.config, '--data-dir', folderOf(role), ...args]),
        cwd: folderOf(role),
        env: envOf(role),
      });
      onStart(running);
      await eventually(`${role} polls`, () => {
        if (!running.isRunning()) throw new Error(`${role} ended: ${running.said()}`);
        return running.said().includes('Working on') || undefined;
      }, { last: () => running.said() });
      return running;
    },
    tryAs(role, command, more = {}) {
      const [program = '', ...args] = as(role, command);
      const ran = spawnSync(program, args, { cwd: folderOf(role), env: { ...envOf(role), ...more }, encoding: 'utf8' });
      return { code: ran.status, said: `${ran.stdout}${ran.stderr}` };
    },
    async loseDisk(role) {
      await rm(folderOf(role), { recursive: true, force: true });
      await makeFolder(role);
    },
  };
}

function as(role: Role, command: readonly string[]): readonly string[] {
  return canBeOthers ? ['setpriv', ...setpriv(USERS[role]), ...command] : command;
}

/** `setpriv` becomes the program that it starts, so that a kill meets the worker itself. */
function setpriv({ uid, gid, givesAway = false }: User): readonly string[] {
  const capabilities = givesAway ? ['--inh-caps=+chown,+fowner', '--ambient-caps=+chown,+fowner'] : ['--inh-caps=-all', '--bounding-set=-all'];
  return [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', ...capabilities, '--'];
}

/** The group may add and remove, everybody may read; what is made in a folder has the group of the folder. */
function giveFiles(folder: string, { uid, gid }: User): void {
  execFileSync('chown', ['-hR', `${uid}:${gid}`, folder]);
  execFileSync('find', [folder, '-type', 'd', '-exec', 'chmod', '2775', '{}', '+']);
  execFileSync('find', [folder, '-type', 'f', '-exec', 'chmod', '644', '{}', '+']);
}
