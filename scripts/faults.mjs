// `npm run faults -- [--seed N] [--cases N] [--only random|points|rows]`: the long fault runs. Every crash point, every
// row in full size, and N random runs; each seed is printed, and repeats its run.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { say, seconds, tool } from './lib/step.mjs';

const PARTS = {
  random: ['test/faults/random.test.ts'],
  points: ['test/faults/crash-points.test.ts'],
  rows: ['test/faults/decisions.test.ts', 'test/faults/endings.test.ts', 'test/faults/quiet.test.ts', 'test/faults/world.test.ts', 'test/faults/forged.test.ts', 'test/faults/up.test.ts'],
};

try {
  process.exitCode = await main();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function main() {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, cases: { type: 'string', default: '10' }, only: { type: 'string' } } });
  const seed = values.seed ?? String(Date.now() % 1_000_000);
  for (const [name, value] of [['--seed', seed], ['--cases', values.cases]]) {
    if (!/^\d{1,9}$/.test(value)) throw new Error(`${name} is a whole number, not ${JSON.stringify(value)}`);
  }
  if (values.only !== undefined && PARTS[values.only] === undefined) throw new Error(`--only is one of ${Object.keys(PARTS).join(', ')}, not ${JSON.stringify(values.only)}`);
  if (!(await build())) throw new Error('it does not compile; see above');
  const started = Date.now();
  const files = values.only === undefined ? Object.values(PARTS).flat() : PARTS[values.only];
  say(`faults: seed ${seed}, ${values.cases} random runs; this takes a while (about 10 minutes, and a minute for each random run)`);
  const results = await run(files, { HOLDFAST_FAULTS: 'all', HOLDFAST_FAULT_SEED: seed, HOLDFAST_FAULT_CASES: values.cases });
  print(results);
  const failed = results.filter((each) => each.status === 'failed').length;
  say(`${seconds(started)}; to repeat: npm run faults -- --seed ${seed} --cases ${values.cases}`);
  process.stdout.write(`${results.filter((each) => each.status === 'passed').length} passed, ${failed} failed\n`);
  return failed === 0 && results.length > 0 ? 0 : 1;
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
