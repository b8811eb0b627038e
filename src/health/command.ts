import type { CommandCheck, Measurement } from '../domain/health.js';
import { oneLine } from '../domain/plain-text.js';
import { runCommand, type CommandResult } from '../system/run-command.js';
import { measurementOf, type Found } from './measurement.js';
import type { ProbeContext } from './probe.js';
import { redact, resolveReferences } from './references.js';

const SHOWN = 200;
/** Well short of where standard error is cut, so that a secret that is cut there is not shown in part. */
const READ = 1000;

/** Runs the command once, without a shell, and ends its whole process group when the time is over. */
export async function measureCommand(check: CommandCheck, ctx: ProbeContext): Promise<Measurement> {
  return measurementOf(ctx, async () => {
    const { values: env, secrets } = await resolveReferences(check.env, ctx.resolveSecret);
    const result = await runCommand({
      command: check.command,
      env,
      timeoutMs: check.timeoutMs,
      signal: ctx.signal,
      ...(check.cwd === undefined ? {} : { cwd: check.cwd }),
    });
    const found = judge(check, result);
    const said = oneLine(redact(result.stderr, secrets).split('\n')[0]?.slice(0, READ) ?? '', SHOWN);
    return found.result === 'success' || said === '' ? found : { ...found, message: `${found.message}: ${said}` };
  });
}

function judge(check: CommandCheck, result: CommandResult): Found {
  switch (result.end) {
    case 'exited':
      if (result.code === 0) return { result: 'success', message: 'exit 0' };
      return { result: result.code === check.inconclusiveExit ? 'inconclusive' : 'failure', message: `exit ${String(result.code)}` };
    case 'signalled':
      return { result: 'failure', message: `ended by ${result.signal}` };
    case 'timed-out':
      return { result: 'failure', message: `did not end within ${String(check.timeoutMs)} ms` };
    case 'aborted':
      return { result: 'error', message: 'stopped' };
    case 'not-started':
      return { result: 'error', message: `the command could not be started (${result.code})` };
    default:
      return unreachable(result);
  }
}

function unreachable(result: never): never {
  throw new TypeError(`no such end of a command: ${String(result)}`);
}
