// `npm run break -- SCENARIO [--environment NAME]`: breaks the quickstart from outside, as a person
// or another program would, and says what it did and how to see it.
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { root, say } from './lib/step.mjs';

const USAGE = 'npm run break -- SCENARIO [--environment NAME]   (npm run break -- --list shows the scenarios; reset undoes them all)';

// `npm run break … | head` closes the pipe, which is no fault.
process.stdout.on('error', () => process.exit(0));

try {
  process.exitCode = await main();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { environment: { type: 'string', short: 'e' }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const folder = process.env.HOLDFAST_QUICKSTART ?? join(root, 'examples', 'quickstart');
  // Not when merely out of date: what is built may be running just now.
  if (!existsSync(join(root, 'dist', 'embedded', 'process.js')) && !(await build())) throw new Error('it does not compile; see above');
  const { carryOut, readScenarios, reset } = await import('./lib/scenarios.mjs');
  const scenarios = await readScenarios(join(root, 'examples', 'drift-patterns'));
  const [name, ...more] = positionals;
  if (values.help === true || values.list === true || name === undefined || more.length > 0) {
    list(scenarios);
    return values.help === true || values.list === true ? 0 : 1;
  }
  if (name === 'reset') {
    for (const line of await reset(folder)) process.stdout.write(`${line}\n`);
    return 0;
  }
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`there is no scenario "${name}"; the nearest is "${nearest(name, scenarios)}". npm run break -- --list shows all`);
  const environment = values.environment ?? scenario.environment;
  await knownEnvironment(folder, environment);
  process.stdout.write(`${scenario.title}\n  ${scenario.person}\n\n`);
  for (const line of await carryOut(scenario, { folder, environment })) process.stdout.write(`  - ${line}\n`);
  tellHowToSee(scenario, folder, environment);
  return 0;
}

function list(scenarios) {
  process.stdout.write(`${USAGE}\n\n`);
  for (const { name, environment, title } of scenarios) process.stdout.write(`  ${name.padEnd(16)} ${environment.padEnd(8)} ${title}\n`);
  process.stdout.write(`  ${'reset'.padEnd(16)} ${'all'.padEnd(8)} Put everything back as it was\n`);
}

async function knownEnvironment(folder, environment) {
  const { environmentsOf } = await import('./lib/quickstart.mjs');
  const names = (await environmentsOf(folder)).map(({ name }) => name);
  if (!names.includes(environment)) throw new Error(`there is no environment "${environment}"; the quickstart has ${names.join(', ')}`);
}

function tellHowToSee(scenario, folder, environment) {
  const config = relative(process.cwd(), join(folder, 'holdfast.yaml'));
  process.stdout.write(`\nWhat Holdfast does\n  ${scenario.holdfast.replaceAll('{environment}', environment)}\n\nHow to see it\n`);
  for (const command of scenario.see) {
    process.stdout.write(`  bin/holdfast ${command.replaceAll('{environment}', environment)} --config ${config}\n`);
  }
  process.stdout.write(`  and in the Temporal UI, whose address npm start printed: the run incident/${environment}/storefront\n  npm run break -- reset   puts everything back\n`);
}

function nearest(name, scenarios) {
  const names = ['reset', ...scenarios.map((each) => each.name)];
  return names.map((each) => ({ each, far: distance(name, each) })).sort((a, b) => a.far - b.far)[0].each;
}

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
