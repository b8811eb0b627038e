import { relative } from 'node:path';
import { Command } from 'commander';
import { formatAddress } from '../../domain/address.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import type { ExplainedValue } from '../deps.js';
import { EXIT } from '../exit.js';
import { count, valueText } from '../render/changes.js';
import { plain } from '../render/escape.js';

export function configCommand(cli: Cli): Command {
  const command = new Command('config').summary('validate the configuration, print it or its schema').description('Reads holdfast.yaml and what it includes.');
  command.addCommand(validateCommand(cli));
  command.addCommand(schemaCommand(cli));
  command.addCommand(printCommand(cli));
  return example(command, 'holdfast config validate', 'holdfast config print prod/storefront', 'holdfast config schema > holdfast.schema.json');
}

function validateCommand(cli: Cli): Command {
  const command = new Command('validate').description('Check the configuration; every problem has its file, line and remedy.');
  example(command, 'holdfast config validate');
  return define(cli, { command, run: ({ context }) => validate(context) });
}

function schemaCommand(cli: Cli): Command {
  const command = new Command('schema').description('Print the JSON Schema, for editors.');
  example(command, 'holdfast config schema > holdfast.schema.json');
  return define(cli, {
    command,
    run: async ({ context }) => {
      await context.io.out(`${JSON.stringify(await context.deps.configSchema(), null, 2)}\n`);
      return EXIT.done;
    },
  });
}

function printCommand(cli: Cli): Command {
  const command = new Command('print').description('Print the merged configuration of a target, with the file and line of each value.').argument('<address>', 'ENVIRONMENT/TARGET');
  example(command, 'holdfast config print prod/storefront');
  return define(cli, { command, run: ({ context, args: [address = ''] }) => print(context, address) });
}

async function validate(context: Context): Promise<number> {
  const config = await context.config();
  if (context.json) {
    const { file, digest, warnings } = config;
    await context.printJson('config-validate', { file, digest, environments: config.environments.map((each) => each.name), targets: config.targets.map(formatAddress), warnings });
    return EXIT.done;
  }
  for (const warning of config.warnings) context.note(`warning: ${plain(warning.where)}: ${plain(warning.message)}`);
  await context.say(`${plain(config.file)} is valid: ${count(config.environments.length, 'environment')}, ${count(config.targets.length, 'target')}.`);
  return EXIT.done;
}

async function print(context: Context, address: string): Promise<number> {
  const target = await context.target(address);
  const values = await context.deps.explain(context.configPlace(), target);
  if (context.json) await context.printJson('config-print', { address: formatAddress(target), values });
  else await context.say(context.table(['KEY', 'VALUE', 'FROM'], values.map((each) => [plain(each.path), valueText(each.value), placeText(context, each)])));
  return EXIT.done;
}

function placeText(context: Context, { file, line }: ExplainedValue): string {
  if (line === 0) return 'default';
  const near = relative(context.io.cwd, file);
  return `${plain(near === '' || near.startsWith('..') ? file : near)}:${line}`;
}
