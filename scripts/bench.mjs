// `npm run bench [-- --only PREFIX] [--json FILE]`: one table of what Holdfast costs and how long people wait.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { say } from './lib/step.mjs';
import { printRow } from './bench/table.mjs';

const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });

if (!(await build())) process.exitCode = 1;
else {
  const { checkRows, incidentRows } = await import('./bench/durable.mjs');
  const { cliRows, decideRows, filesRows } = await import('./bench/local.mjs');
  const groups = { check: checkRows, incident: incidentRows, files: filesRows, cli: cliRows, decide: decideRows };
  const rows = [];
  for (const [prefix, measure] of Object.entries(groups)) {
    if (values.only !== undefined && !prefix.startsWith(values.only) && !values.only.startsWith(prefix)) continue;
    rows.push(...(await measure(say)).filter((each) => values.only === undefined || each.name.startsWith(values.only) || prefix.startsWith(values.only)));
  }
  for (const each of rows) printRow(each);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}
