import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { HealthCheck } from '../../domain/health.js';
import { oneLine } from '../../domain/plain-text.js';
import { identityOf, isRunning } from '../../system/process.js';
import type { ChildProcessIdentity, OpenIntent, WriteContext } from '../provider.js';
import { cwdOf, filler, type OnRelease } from './commands.js';
import { milliseconds } from './duration.js';
import { briefly, shown } from './errors.js';
import { endProcessGroup, processesWith } from './process.js';
import type { ReleaseRecord } from './record.js';
import { redactOutput } from './secrets.js';
import type { Live } from './setup.js';
import { healthCheckOf } from './shadow-health.js';

/** Stands in the environment of a second instance, so that one whose worker died before it was recorded is found. */
const MARK = 'HOLDFAST_SHADOW';
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'] as const;
const REFERENCE = /\$\{(?:env|file):[^}]+\}/g;

export interface Shadow {
  readonly process: ChildProcessIdentity;
  readonly port: number;
}

/** Starts a second instance on a staged release and waits until it answers on its port. */
export async function startShadow({ live, release, secrets }: OnRelease, intent: OpenIntent, ctx: WriteContext): Promise<Shadow | undefined> {
  const { shadow } = live.spec;
  if (shadow === undefined) return undefined;
  const port = await freePort();
  const fill = filler({ release, port });
  const [program = '', ...args] = shadow.command.map(fill);
  const env = await environmentOf(shadow.env, fill, ctx);
  const log = logOf(release);
  const fd = openSync(log, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
  const child = spawn(program, args, { shell: false, detached: true, cwd: cwdOf(live.spec, release), env: { ...env, [MARK]: live.root }, stdio: ['ignore', fd, fd] });
  closeSync(fd);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => { resolve(`could not be started: ${shown(program)}: ${briefly(error)}`); });
    child.on('exit', (code, signal) => { resolve(`ended with ${code === null ? (signal ?? 'a signal') : `exit code ${code}`}`); });
  });
  child.unref();
  const identity = child.pid === undefined ? undefined : identityOf(child.pid);
  try {
    if (identity !== undefined) await intent.child(identity);
    const why = await Promise.race([ended, ready(port, milliseconds(shadow.ready), ctx)]);
    if (why === undefined && identity !== undefined) return { process: identity, port };
    const said = oneLine(redactOutput(readFileSync(log, 'utf8').slice(-4096), await secrets()).replaceAll(release, '{release}'), 300);
    throw new HoldfastError('Refused', `the second instance on the staged release ${why ?? 'ended at once'}${said === '' ? '' : `: ${said}`}`, { remedy: 'correct the desired state or shadow.command; nothing that is live was changed' });
  } catch (error) {
    if (identity !== undefined) await endProcessGroup(identity);
    throw error;
  }
}

/** The health checks of a second instance, ready to probe. */
export function shadowHealthOf(live: Live, release: string, port: number): readonly HealthCheck[] {
  const fill = filler({ release, port });
  const checks = live.spec.shadow?.health ?? [];
  return checks.map((check, index) => {
    const named = check.name === undefined && checks.length > 1 ? { ...check, name: `shadow ${check.type} ${index + 1}` } : check;
    return healthCheckOf(named, fill, cwdOf(live.spec, release));
  });
}

/** Ends every second instance of a root: the recorded one, and any that an attempt left behind. */
export async function stopShadows(live: Pick<Live, 'root'>, record: ReleaseRecord | undefined): Promise<void> {
  const recorded = record?.shadow === undefined ? [] : [record.shadow.process];
  for (const identity of [...recorded, ...processesWith(MARK, live.root)]) await endProcessGroup(identity);
}

export function isShadowRunning(shadow: Shadow | undefined): shadow is Shadow {
  return shadow !== undefined && isRunning(shadow.process);
}

export function removeShadowLog(release: string): void {
  rmSync(logOf(release), { force: true });
}

function logOf(release: string): string {
  return join(release, '..', `${release.slice(release.lastIndexOf('/') + 1)}.shadow.log`);
}

async function environmentOf(env: Readonly<Record<string, string>>, fill: (text: string) => string, ctx: WriteContext): Promise<Record<string, string>> {
  const passed = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  const own = await Promise.all(Object.entries(env).map(async ([name, value]) => [name, await resolved(fill(value), ctx)] as const));
  return Object.fromEntries([...passed, ...own]);
}

async function resolved(text: string, ctx: WriteContext): Promise<string> {
  const references = [...new Set(text.match(REFERENCE) ?? [])];
  const values = new Map(await Promise.all(references.map(async (reference) => [reference, await ctx.resolveSecret(reference)] as const)));
  return text.replace(REFERENCE, (reference) => values.get(reference) ?? '');
}

/** `undefined` once the port takes connections, else why it never did. */
async function ready(port: number, limitMs: number, ctx: WriteContext): Promise<string | undefined> {
  const until = Date.now() + limitMs;
  while (Date.now() < until) {
    ctx.signal.throwIfAborted();
    if (await answers(port)) return undefined;
    ctx.heartbeat('waiting for the second instance');
    await sleep(50);
  }
  return `did not answer on its port within ${limitMs} ms`;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => { end(true); }).once('error', () => { end(false); }).once('timeout', () => { end(false); });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => { resolve(typeof address === 'object' && address !== null ? address.port : 0); });
    });
  });
}
