import { Command, Option } from 'commander';
import { type Cli, define, example } from '../command.js';
import type { Context } from '../context.js';
import { EXIT } from '../exit.js';
import { sinceOf } from '../options.js';
import { startProgress } from '../progress.js';
import { plain } from '../render/escape.js';
import { shortHash } from '../render/plan.js';

interface ExportOptions {
  readonly format: 'jsonl' | 'csv';
  readonly since?: string;
}

export function auditCommand(cli: Cli): Command {
  const command = new Command('audit').summary('the record: export it, verify it').description('Reads the append-only record of what was seen, decided, approved, intended and done.');
  command.addCommand(exportCommand(cli));
  command.addCommand(verifyCommand(cli));
  return example(command, 'holdfast audit verify', 'holdfast audit export --format csv --since 30d > record.csv');
}

function exportCommand(cli: Cli): Command {
  const command = new Command('export')
    .description('Print the record, the oldest entry first.')
    .addOption(new Option('--format <format>', 'how').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--since <when>', 'since then: a duration (30d) or a time');
  example(command, 'holdfast audit export --since 30d > record.jsonl', 'holdfast audit export --format csv');
  return define<ExportOptions>(cli, { command, formats: [], run: ({ context, options }) => exportRecord(context, options) });
}

function verifyCommand(cli: Cli): Command {
  const command = new Command('verify').description('Check that no entry was changed, removed, reordered or cut off, that every checkpoint is signed, and that incidents, decisions and plans are what the entries say. Exits 1 and names what is bad otherwise.');
  example(command, 'holdfast audit verify');
  return define(cli, { command, run: ({ context }) => verify(context) });
}

async function exportRecord(context: Context, options: ExportOptions): Promise<number> {
  const since = options.since === undefined ? {} : { since: sinceOf(context, options.since) };
  const ledger = await context.requireLedger();
  try {
    const { exportEntries } = await import('../../ledger/export.js');
    for await (const line of exportEntries(ledger, since, options.format)) {
      if (context.io.signal.aborted) break;
      await context.io.out(line);
    }
    return EXIT.done;
  } finally {
    await ledger.close();
  }
}

async function verify(context: Context): Promise<number> {
  const ledger = await context.requireLedger();
  const progress = startProgress(context);
  try {
    const result = await ledger.verify({ onProgress: (checked) => progress.update(`verified ${checked} entries`) });
    // Entries that were changed say nothing about rows.
    const differing = result.ok ? await (await import('../../ledger/compare.js')).compareRows(ledger, { onProgress: (checked) => progress.update(`compared ${checked} incidents`) }) : [];
    progress.end();
    const good = result.ok && differing.length === 0;
    if (context.json) await context.printJson('audit-verify', { ...result, differing, exitCode: good ? EXIT.done : EXIT.error });
    else if (result.ok && differing.length > 0) {
      context.note(`holdfast: the record verifies, and these rows are not what it says:\n${differing.map((each) => `  ${plain(each)}`).join('\n')}`);
      context.note('Somebody changed them from outside. Keep the ledger as it is, compare it with a backup, and see docs/runbooks for what to do.');
    } else if (result.ok) await context.say(`The record verifies: ${result.entries} entries, ${result.checkpoints} signed checkpoints, head ${shortHash(result.head)}.`);
    else {
      context.note(`holdfast: the record does not verify: entry ${result.seq} is the first bad one (${result.problem}): ${plain(result.detail)}`);
      context.note('Keep the ledger as it is, compare it with a backup, and see docs/runbooks for what to do.');
    }
    return good ? EXIT.done : EXIT.error;
  } finally {
    progress.end();
    await ledger.close();
  }
}
