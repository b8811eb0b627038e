// Everything that must hold, in one: lint, types, dead code and all tests.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { GO_TOOLS, goTool } from './lib/go-tools.mjs';
import { root, say, seconds, tool } from './lib/step.mjs';

const CHECKS = [
  { name: 'lint', command: ['eslint', ['.']] },
  { name: 'types', command: ['tsc', ['-p', 'test/tsconfig.json', '--noEmit', '--pretty', 'false']] },
  { name: 'dead code', command: ['knip', ['--no-progress']] },
];

const started = Date.now();
let passed = 0;
let failed = 0;

count('build', await build());
for (const check of CHECKS) {
  const begun = Date.now();
  say(`${check.name} …`);
  const { code, output } = await tool(...check.command, { quiet: true });
  if (code !== 0) process.stderr.write(output);
  count(`${check.name} (${seconds(begun)})`, code === 0);
}
await prepareServers();
await runTests();
say(`all checks took ${seconds(started)}`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function count(name, ok) {
  say(`${ok ? 'passed' : 'FAILED'}: ${name}`);
  if (ok) passed += 1;
  else failed += 1;
}

/** Before the tests, so that a build of minutes is seen and does not look like a test that hangs. */
async function prepareServers() {
  try {
    const { findTemporalBinary } = await import('../dist/embedded/temporal-binary.js');
    const { version, path } = await findTemporalBinary({ log: say });
    say(`Temporal server: ${path} (${version})`);
  } catch (error) {
    say(error.message);
  }
  const { cacheFolder } = await import('../dist/embedded/cache.js');
  for (const name of Object.keys(GO_TOOLS)) {
    const { missing } = await goTool(name, { cache: cacheFolder(), say });
    if (missing !== undefined) say(`${missing}; the tests that need it are skipped`);
  }
}

async function runTests() {
  say('tests …');
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const report = join(folder, 'report.json');
  try {
    const { code } = await tool('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)]);
    const result = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'));
    passed += result.numPassedTests ?? 0;
    failed += result.numFailedTests ?? 0;
    const broken = (result.testResults ?? []).filter((file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'));
    for (const file of broken) count(`${file.name.replace(root, '')} could not be run`, false);
    for (const test of (result.testResults ?? []).flatMap((file) => file.assertionResults)) {
      if (test.status === 'passed' && (test.failureMessages?.length ?? 0) > 0) say(`passed only when tried again: ${test.fullName}: ${test.failureMessages[0].split('\n')[0]}`);
    }
    // An error outside any test, or a run that ended early, must not pass for success.
    if (code !== 0 && (result.numFailedTests ?? 0) + broken.length === 0) count('the test run as a whole', false);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
