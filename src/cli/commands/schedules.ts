import { Command } from 'commander';
import type { HoldfastClient } from '../../client.js';
import { parseAddress } from '../../domain/address.js';
import { type Cli, define, example } from '../command.js';
import { badAddress, type Context } from '../context.js';
import { EXIT } from '../exit.js';
import { byOption, decider, reasonOption } from '../options.js';
import { remoteCheck } from '../remote.js';
import { plain } from '../render/escape.js';
import { formatAge } from '../render/time.js';

interface NoteOptions {
  readonly reason?: string;
  readonly by?: string;
}

export function schedulesCommand(cli: Cli): Command {
  const command = new Command('schedules').summary('when environments are checked').description('Shows and steers the schedules on which environments are checked.');
  command.addCommand(listCommand(cli), { isDefault: true });
  command.addCommand(syncCommand(cli));
  command.addCommand(pauseCommand(cli));
  command.addCommand(resumeCommand(cli));
  command.addCommand(triggerCommand(cli));
  return example(command, 'holdfast schedules', 'holdfast schedules pause prod --reason "maintenance"');
}

function listCommand(cli: Cli): Command {
  const command = new Command('list').description('List them (what schedules does on its own).');
  example(command, 'holdfast schedules list');
  return define(cli, { command, run: ({ context }) => withClient(context, (client) => list(context, client)) });
}

function syncCommand(cli: Cli): Command {
  const command = new Command('sync').description('Make the schedules those of the configuration.');
  example(command, 'holdfast schedules sync');
  return define(cli, { command, run: ({ context }) => withClient(context, (client) => sync(context, client)) });
}

function pauseCommand(cli: Cli): Command {
  const command = new Command('pause').description('Stop checking an environment on its schedule.').argument('<environment>').addOption(reasonOption()).addOption(byOption());
  example(command, 'holdfast schedules pause prod --reason "maintenance"');
  return define<NoteOptions>(cli, { command, run: ({ context, args: [name = ''], options }) => pause(context, name, { ...options, paused: true }) });
}

function resumeCommand(cli: Cli): Command {
  const command = new Command('resume').description('Check an environment on its schedule again.').argument('<environment>').addOption(reasonOption()).addOption(byOption());
  example(command, 'holdfast schedules resume prod --reason "maintenance is over"');
  return define<NoteOptions>(cli, { command, run: ({ context, args: [name = ''], options }) => pause(context, name, { ...options, paused: false }) });
}

function triggerCommand(cli: Cli): Command {
  const command = new Command('trigger').description('Check an environment or a target now, as its schedule would.').argument('<address>').option('--wait', 'wait for what it finds');
  example(command, 'holdfast schedules trigger prod/storefront --wait');
  return define<{ readonly wait?: boolean }>(cli, {
    command,
    run: async ({ context, args: [address = ''], options }) => {
      const parsed = parseAddress(address);
      if (parsed === undefined) throw badAddress(address);
      await context.targets(address);
      const target = parsed.target === undefined ? {} : { target: parsed.target };
      return remoteCheck(context, { environments: [parsed.environment], ...target, wait: options.wait === true, driftExit: EXIT.drift });
    },
  });
}

async function withClient(context: Context, work: (client: HoldfastClient) => Promise<number>): Promise<number> {
  const { client } = await context.connect();
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

async function list(context: Context, client: HoldfastClient): Promise<number> {
  const schedules = await client.schedules();
  if (context.json) await context.printJson('schedules', { schedules });
  else if (schedules.length === 0) context.note('There are no schedules; make them with: holdfast schedules sync');
  else {
    const now = context.io.now();
    const rows = schedules.map((each) => [
      plain(each.environment),
      each.cron.length === 0 ? '(on demand)' : each.cron.map(plain).join('; '),
      plain(each.timezone),
      each.paused ? context.style.yellow('paused') : 'active',
      formatAge(each.lastAt, now),
      each.paused ? '-' : formatAge(each.nextAt, now),
      plain(each.note ?? '-'),
    ]);
    await context.say(context.table(['ENVIRONMENT', 'CRON', 'TIME ZONE', 'STATE', 'LAST', 'NEXT', 'NOTE'], rows));
  }
  return EXIT.done;
}

async function sync(context: Context, client: HoldfastClient): Promise<number> {
  const config = await context.config();
  const result = await client.syncSchedules(config.environments.map((each) => ({ environment: each.name, ...each.schedule })));
  if (context.json) await context.printJson('schedules-sync', result);
  else {
    const said = (['created', 'updated', 'removed'] as const).flatMap((verb) => (result[verb].length === 0 ? [] : [`${verb} ${result[verb].map(plain).join(', ')}`]));
    await context.say(said.length === 0 ? 'The schedules are those of the configuration already.' : said.join('; '));
  }
  return EXIT.done;
}

async function pause(context: Context, name: string, options: NoteOptions & { readonly paused: boolean }): Promise<number> {
  const { name: environment } = await context.environment(name);
  const by = decider(context, options.by);
  const verb = options.paused ? 'paused' : 'resumed';
  const note = `${verb} by ${by}${options.reason === undefined ? '' : `: ${options.reason}`}`;
  return withClient(context, async (client) => {
    await (options.paused ? client.pauseSchedule(environment, note) : client.resumeSchedule(environment, note));
    if (context.json) await context.printJson('schedule', { environment, paused: options.paused, note });
    else await context.say(options.paused ? `${environment}: not checked on its schedule until it is resumed (holdfast schedules resume ${environment})` : `${environment}: checked on its schedule again`);
    return EXIT.done;
  });
}
