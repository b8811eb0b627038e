import { Command, Option } from 'commander';
import { poolsOf } from '../../config/config.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { CliError } from '../errors.js';
import { plain } from '../render/escape.js';
import { untilStopped } from '../running.js';

interface WorkerOptions {
  readonly pool?: readonly string[];
  readonly access: 'read' | 'write' | 'both' | 'none';
  readonly control?: boolean;
}

export function workerCommand(cli: Cli): Command {
  const command = new Command('worker')
    .summary('run workers against a Temporal that is there')
    .description('Runs workers until Ctrl-C. In production only the write workers of a pool hold its write credentials.')
    .option('--pool <name...>', 'only these pools (default: all of the configuration)')
    .addOption(new Option('--access <access>', 'what they do in their pools; none: workflows, messages and schedules alone').choices(['read', 'write', 'both', 'none']).default('both'))
    .option('--control', 'also run workflows, messages and schedules (the default without --pool)')
    .option('--no-control', 'leave workflows, messages and schedules to others');
  example(command, 'holdfast worker', 'holdfast worker --access none', 'holdfast worker --pool prod --access write');
  return define<WorkerOptions>(cli, { command, formats: [], longRunning: true, run: ({ context, options }) => worker(context, options) });
}

async function worker(context: Context, options: WorkerOptions): Promise<number> {
  const config = await context.config();
  const pools = options.pool ?? [];
  if (options.access === 'none' && (pools.length > 0 || options.control === false)) {
    throw new CliError('--access none serves no pool, so it goes with neither --pool nor --no-control', { remedy: 'Leave one of them out.' });
  }
  const known = poolsOf(config);
  const unknown = pools.find((pool) => !known.includes(pool));
  if (unknown !== undefined) throw new CliError(`the configuration has no pool ${unknown}`, { remedy: `Its pools: ${known.join(', ') || 'none'}.` });
  const running = await context.deps.startWorkers({ config, dataDir: context.dataDir(), pools, access: options.access, control: options.control ?? pools.length === 0, signal: context.io.signal, log: (line) => context.note(plain(line)) });
  context.note(`Working on ${running.queues.map(plain).join(', ')}. Ctrl-C ends.`);
  return untilStopped(context, running);
}
