import { readFileSync } from 'node:fs';
import { HoldfastError } from '../../domain/errors.js';
import { oneLine } from '../../domain/plain-text.js';
import { errorCode } from '../../system/error-code.js';
import { identityOf } from '../../system/process.js';
import { runCommand, type CommandResult } from '../../system/run-command.js';
import type { OpenIntent, WriteContext } from '../provider.js';
import { milliseconds } from './duration.js';
import { briefly, shown } from './errors.js';
import { redactOutput } from './secrets.js';
import type { Live } from './setup.js';
import type { FilesSpec } from './spec.js';

/** Puts `{release}` and `{port}` in. Other braces stay. */
export function filler(values: { readonly release: string; readonly port?: number }): (text: string) => string {
  return (text) => text.replaceAll('{release}', values.release).replaceAll('{port}', String(values.port ?? '{port}'));
}

export function cwdOf(spec: FilesSpec, release: string): string {
  return filler({ release })(spec.cwd ?? release);
}

/** A staged release, and how to find the secrets in it when words about it are to be shown. */
export interface OnRelease {
  readonly live: Live;
  readonly release: string;
  readonly secrets: () => Promise<readonly string[]>;
}

/** Runs the `validate` command on a staged release. */
export async function validateRelease({ live, release, secrets }: OnRelease, intent: OpenIntent, ctx: WriteContext): Promise<void> {
  const { spec } = live;
  if (spec.validate === undefined) return;
  const result = await run({ spec, release, command: spec.validate }, intent, ctx);
  if (result.end === 'exited' && result.code === 0) return;
  ctx.signal.throwIfAborted();
  const said = oneLine(redactOutput(result.stderr, await secrets()).replaceAll(release, '{release}'), 300);
  throw new HoldfastError('Refused', `validate says no to the staged release: ${shown(spec.validate[0] ?? '')} ${endText(result)}${said === '' ? '' : `: ${said}`}`, {
    remedy: 'correct the desired state; nothing that is live was changed',
  });
}

/** Tells the service to read its files. It may be told more than once. */
export async function reload(live: Live, intent: OpenIntent, ctx: WriteContext): Promise<void> {
  const how = live.spec.reload;
  if (how === undefined) return;
  if ('signal' in how) {
    signal(how.signal, how.pidFile);
    return;
  }
  const result = await run({ spec: live.spec, release: live.root, command: how.command }, intent, ctx);
  if (result.end === 'exited' && result.code === 0) return;
  ctx.signal.throwIfAborted();
  throw new HoldfastError('Rejected', `the files are in place, but the reload command ${shown(how.command[0] ?? '')} ${endText(result)}`, { remedy: 'look at what the service says' });
}

async function run({ spec, release, command }: { readonly spec: FilesSpec; readonly release: string; readonly command: readonly string[] }, intent: OpenIntent, ctx: WriteContext): Promise<CommandResult> {
  let recorded: Promise<void> | undefined;
  const result = await runCommand({
    command: command.map(filler({ release })), env: {}, cwd: cwdOf(spec, release), timeoutMs: milliseconds(spec.commandTimeout), signal: ctx.signal,
    onStart: (pid) => {
      const identity = identityOf(pid);
      if (identity !== undefined) recorded = intent.child(identity);
      recorded?.catch(() => undefined);
    },
  });
  await recorded;
  return result;
}

function signal(name: NodeJS.Signals, pidFile: string): void {
  const pid = readPid(pidFile);
  try {
    process.kill(pid, name);
  } catch (error) {
    throw new HoldfastError('Rejected', `the files are in place, but process ${pid} of ${shown(pidFile)} could not be sent ${name}: ${errorCode(error) === 'ESRCH' ? 'it does not run' : briefly(error)}`, {
      cause: error, remedy: 'start the service, or correct reload.pidFile',
    });
  }
}

function readPid(pidFile: string): number {
  let text: string;
  try {
    text = readFileSync(pidFile, 'utf8');
  } catch (error) {
    throw new HoldfastError('Rejected', `the files are in place, but reload.pidFile ${shown(pidFile)} cannot be read: ${briefly(error)}`, { cause: error, remedy: 'start the service, or correct reload.pidFile' });
  }
  const pid = Number(text.trim());
  // 0, 1 and below are groups, everybody, or the machine itself.
  if (/^\d{1,10}\s*$/.test(text) && pid > 1 && pid !== process.pid) return pid;
  throw new HoldfastError('Rejected', `the files are in place, but reload.pidFile ${shown(pidFile)} holds no process id`, { remedy: 'start the service, or correct reload.pidFile' });
}

function endText(result: CommandResult): string {
  switch (result.end) {
    case 'exited':
      return `ended with exit code ${result.code}`;
    case 'signalled':
      return `was ended by ${result.signal}`;
    case 'timed-out':
      return 'took too long';
    case 'aborted':
      return 'was cut short';
    case 'not-started':
      return `could not be started (${result.code})`;
  }
}
