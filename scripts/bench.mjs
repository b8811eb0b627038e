// `npm run bench [-- --only PREFIX] [--long] [--json FILE]`: one table of what Holdfast costs and how long people wait.
// What takes minutes (10,000 targets, 1,000 incidents, ten kills) runs when its prefix is asked for, or all of it with --long.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { say } from './lib/step.mjs';
import { printRow } from './bench/table.mjs';

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' }, long: { type: 'boolean', default: false } } });

if (!(await build())) process.exitCode = 1;
else {
  const { checkRows, incidentRows } = await import('./bench/durable.mjs');
  const { cliRows, decideRows, filesRows, windowRows } = await import('./bench/local.mjs');
  const { ledgerRows } = await import('./bench/ledger.mjs');
  const { scaleCheckRows, scaleDriftRows, scalePostgresRows } = await import('./bench/scale.mjs');
  const { scaleIncidentRows } = await import('./bench/scale-incidents.mjs');
  const { scaleRecoveryRows } = await import('./bench/scale-recovery.mjs');
  const scaleOf = (prefix, count) => (progress) => scaleCheckRows(progress, { prefix, count });
  const groups = { check: checkRows, incident: incidentRows, files: filesRows, cli: cliRows, decide: decideRows, windows: windowRows, ledger: ledgerRows, 'scale.checks': scaleOf('scale.checks', 1_000), 'scale.drift': scaleDriftRows };
  const long = {
    'scale.large': scaleOf('scale.large', 10_000),
    'scale.postgres': async (progress) => [...(await scalePostgresRows(progress, { prefix: 'scale.postgres', count: 1_000 })), ...(await scalePostgresRows(progress, { prefix: 'scale.postgres', count: 10_000 }))],
    'scale.incidents': (progress) => scaleIncidentRows(progress, { count: 1_000 }),
    'scale.recovery': scaleRecoveryRows,
  };
  const rows = [];
  for (const [prefix, measure] of Object.entries({ ...groups, ...(values.long || values.only !== undefined ? long : {}) })) {
    if (values.only !== undefined && !prefix.startsWith(values.only) && !values.only.startsWith(prefix)) continue;
    rows.push(...(await measure(say)).filter((each) => values.only === undefined || each.name.startsWith(values.only) || prefix.startsWith(values.only)));
  }
  for (const each of rows) printRow(each);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}
