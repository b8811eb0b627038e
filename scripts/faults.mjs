// `npm run faults -- [--seed N] [--cases N] [--only lab|random|points|rows] [--path NAME] [--then AFTERMATH] [--once] [--minutes N] [--case TEXT]`: the long fault
// runs. The laboratory with every call, fault and aftermath, every crash point, every row in full size, and N random
// runs; the seed is printed, and repeats its run. docs/faults.md explains the table.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { say, seconds, tool } from './lib/step.mjs';

const PARTS = {
  lab: [],
  random: ['test/faults/random.test.ts'],
  points: ['test/faults/crash-points.test.ts'],
  rows: ['test/faults/decisions.test.ts', 'test/faults/deciding.test.ts', 'test/faults/endings.test.ts', 'test/faults/quiet.test.ts', 'test/faults/world.test.ts', 'test/faults/forged.test.ts', 'test/faults/up.test.ts', 'test/faults/rows.test.ts', 'test/faults/large.test.ts', 'test/faults/restore.test.ts', 'test/faults/degraded.test.ts', 'test/faults/postgres.test.ts', 'test/temporal/encryption.test.ts', 'test/temporal/releases.test.ts', 'test/e2e/adopt.test.ts'],
};

try {
  process.exitCode = await main();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function main() {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, cases: { type: 'string', default: '10' }, only: { type: 'string' }, path: { type: 'string', multiple: true }, case: { type: 'string' }, then: { type: 'string', multiple: true }, each: { type: 'string' }, once: { type: 'boolean' }, minutes: { type: 'string' }, lanes: { type: 'string', default: '2' }, pairs: { type: 'string', default: '100' } } });
  const seed = values.seed ?? String(Date.now() % 1_000_000);
  for (const [name, value] of [['--seed', seed], ['--cases', values.cases], ['--pairs', values.pairs], ['--each', values.each ?? '1'], ['--minutes', values.minutes ?? '1'], ['--lanes', values.lanes]]) {
    if (!/^\d{1,9}$/.test(value)) throw new Error(`${name} is a whole number, not ${JSON.stringify(value)}`);
  }
  if (values.only !== undefined && PARTS[values.only] === undefined) throw new Error(`--only is one of ${Object.keys(PARTS).join(', ')}, not ${JSON.stringify(values.only)}`);
  if (!(await build())) throw new Error('it does not compile; see above');
  const started = Date.now();
  const files = values.only === undefined ? Object.values(PARTS).flat() : PARTS[values.only];
  say(`faults: seed ${seed}, ${values.cases} random runs; this takes long (the laboratory most of it)`);
  const laboratory = values.only === undefined || values.only === 'lab' ? await runLab(seed, values) : { passed: 0, failed: 0 };
  const results = files.length === 0 ? [] : await run(files, { HOLDFAST_FAULTS: 'all', HOLDFAST_FAULT_SEED: seed, HOLDFAST_FAULT_CASES: values.cases });
  print(results);
  const passed = laboratory.passed + results.filter((each) => each.status === 'passed').length;
  const failed = laboratory.failed + results.filter((each) => each.status === 'failed').length;
  say(`${seconds(started)}; to repeat: npm run faults -- ${process.argv.slice(2).filter((each, index, all) => each !== '--seed' && all[index - 1] !== '--seed').join(' ')} --seed ${seed}`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** Every call of every path with every fault and aftermath, unless `--path`, `--then`, `--each` or `--case` ask for less. */
async function runLab(seed, { path, then, each, once, minutes, lanes, pairs, case: only }) {
  await import('../test/faults/lab/run-sources.mjs');
  const { runLaboratory, missed } = await import('../test/faults/lab/laboratory-run.ts');
  const { tableOf, isBad } = await import('../test/faults/lab/table.ts');
  const report = await runLaboratory({ seed: Number(seed), pairs: Number(pairs), lanes: Number(lanes), log: say, ...(path === undefined ? {} : { paths: path }), ...(then === undefined ? {} : { aftermaths: then }), ...(each === undefined ? {} : { each: Number(each) }), ...(once === undefined ? {} : { once }), ...(minutes === undefined ? {} : { untilMs: Date.now() + Number(minutes) * 60_000 }), ...(only === undefined ? {} : { only }) });
  process.stdout.write(`\n${tableOf(report)}\n`);
  const all = [...report.recorded, ...report.results];
  const failed = all.filter((result) => isBad(result) || missed(result)).length;
  return { passed: all.length - failed, failed };
}

async function run(files, env) {
  Object.assign(process.env, env);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-faults-'));
  const report = join(folder, 'report.json');
  try {
    await tool('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...files]);
    const { testResults = [] } = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'));
    return testResults.flatMap((file) => (file.assertionResults.length === 0 ? [{ title: `${file.name} could not be run`, status: 'failed', duration: 0 }] : file.assertionResults));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function print(results) {
  process.stdout.write('\n');
  for (const { title, status, duration } of results) {
    const mark = { passed: 'ok', failed: 'FAILED' }[status] ?? status;
    process.stdout.write(`${mark.padEnd(8)}${`${((duration ?? 0) / 1000).toFixed(1)} s`.padStart(9)}  ${title}\n`);
  }
  process.stdout.write('\n');
}
