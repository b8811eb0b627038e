import { Command } from 'commander';
import { formatAddress, formatIncident } from '../../domain/address.js';
import type { Change } from '../../domain/change.js';
import type { Decided } from '../../domain/deciding/decision.js';
import type { Entry } from '../../ledger/ledger.js';
import type { Explanation } from '../../policy/explain.js';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { CliError } from '../errors.js';
import { EXIT } from '../exit.js';
import { lookAt } from '../looking.js';
import { type ExplainedChange, explainedLines, recordedLines } from '../render/explain.js';

interface ExplainOptions {
  readonly resource?: string;
  readonly path?: string;
}

export function explainCommand(cli: Cli): Command {
  const command = new Command('explain')
    .description('Say why changes are decided as they are: which rules match, which lose, what each condition saw, and what those on trial would do. Of a target as it is now, or of an incident as it was decided. Changes nothing.')
    .argument('<what>', 'ENVIRONMENT/TARGET, or ENVIRONMENT/TARGET#NUMBER for what was decided then')
    .option('--resource <name>', 'this resource alone')
    .option('--path <path>', 'this path alone');
  example(command, 'holdfast policy explain prod/storefront', 'holdfast policy explain prod/storefront --resource etc/app.yaml --path /port', 'holdfast policy explain prod/storefront#7');
  return define<ExplainOptions>(cli, { command, run: ({ context, args: [what = ''], options }) => (what.includes('#') ? explainIncident(context, what, options) : explainTarget(context, what, options)) });
}

function isMeant({ resource, path }: ExplainOptions, change: Pick<Change, 'resource' | 'path'>): boolean {
  return (resource === undefined || resource === change.resource) && (path === undefined || path === change.path);
}

async function explainTarget(context: Context, address: string, options: ExplainOptions): Promise<number> {
  const target = await context.target(address);
  const [looked] = await lookAt(context, [target]);
  if (looked?.observation === undefined) throw new CliError(looked?.error ?? `${address} was not looked at`, { exit: EXIT.error });
  const { observation } = looked;
  if (observation.verdict === 'unknown') throw new CliError(`${address} cannot be read: ${observation.reason ?? ''}`, { exit: EXIT.unknown });
  const config = await context.config();
  const ledger = await context.ledger();
  try {
    const { parts, quiet, inputs = [] } = await context.deps.assess({ config, target, observation, signal: context.io.signal, now: context.io.now(), ...(ledger === undefined ? {} : { ledger }) });
    const { explainChange } = await import('../../policy/explain.js');
    const { openRuleBook } = await import('../../policy/speak.js');
    const { rulesIn } = await import('../../policy/rule.js');
    const { factsOf } = await import('../../policy/assess.js');
    const book = openRuleBook(rulesIn(config.policies ?? []));
    const changes = inputs.filter(({ change }) => isMeant(options, change)).map((input): ExplainedChange => {
      const { change } = input;
      const part = parts.find((each) => each.changes.includes(change));
      const left = quiet.find((each) => each.change === change);
      const planned = part?.plan === undefined ? input : { ...input, plan: factsOf(part.plan, part.changes) };
      const explanation: Explanation = explainChange(book, planned);
      return { resource: change.resource, path: change.path, kind: change.kind, effect: change.effect, ...explanation, ...decidedOf(part, change), ...(left === undefined ? {} : { quiet: left.why }) };
    });
    if (context.json) await context.printJson('policy-explain', { address: formatAddress(target), verdict: observation.verdict, changes });
    else if (changes.length === 0) await context.say(observation.changes.length === 0 ? `${address} is as desired: there is nothing to decide.` : 'No change is meant by that: see holdfast plan.');
    else await context.say(changes.map((change) => explainedLines(change, context.style).join('\n')).join('\n\n'));
    return EXIT.done;
  } finally {
    await ledger?.close();
  }
}

function decidedOf(part: { readonly changes: readonly Change[]; readonly decided: readonly Decided[] } | undefined, change: Change): { readonly decided?: Decided } {
  const decided = part?.decided[part.changes.indexOf(change)];
  return decided === undefined ? {} : { decided };
}

/** As it was decided then, by the rules of that time: the last deciding of each part. */
async function explainIncident(context: Context, what: string, options: ExplainOptions): Promise<number> {
  const address = context.incidentAddress(what);
  const ledger = await context.requireLedger();
  try {
    const row = await ledger.incident(address, address.number);
    if (row === undefined) throw new CliError(`there is no incident ${what}`, { remedy: 'holdfast incidents lists them.' });
    const parts = new Map<string, Entry>();
    for await (const entry of ledger.entries({ environment: row.environment, target: row.target, incident: row.number, kinds: ['assessed'] })) parts.set(JSON.stringify(entry.data['part']), entry);
    const { decisionsIn } = await import('../../policy/recorded.js');
    const changes = [...parts.values()].flatMap(({ at, data }) => decisionsIn(data).filter((each) => isMeant(options, each)).map((each) => ({ part: data['part'], at, ...each })));
    if (context.json) await context.printJson('policy-explain', { incident: formatIncident(row), changes });
    else if (changes.length === 0) await context.say(`${formatIncident(row)}: nothing is on record that was decided about such a change.`);
    else await context.say(changes.map((change) => recordedLines(change, context.style).join('\n')).join('\n\n'));
    return EXIT.done;
  } finally {
    await ledger.close();
  }
}
