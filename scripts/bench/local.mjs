// What a person waits for on one machine. Ratios come from one run; times are of this machine.
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { neverOpens } from '../../dist/config/windows.js';
import { decideByRemediation, splitParts } from '../../dist/domain/deciding/decide.js';
import { decideUnder } from '../../dist/policy/decide.js';
import { RULES } from '../../dist/policy/vocabulary.js';
import { freePort } from '../../dist/embedded/ports.js';
import { row } from './table.mjs';

const run = promisify(execFile);
const program = new URL('../../bin/holdfast', import.meta.url).pathname;
const FILES = 10_000;
const BYTES = 4096;
const RUNS = 5;

/** `holdfast check` of 10,000 files of 4 KB against `sha256sum` over the same two trees. */
export async function filesRows(say) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    say(`writing ${FILES} files twice`);
    for (let index = 0; index < FILES; index += 1) {
      const content = randomBytes(BYTES);
      for (const side of ['desired', 'live']) {
        const dir = join(folder, side, String(index % 100));
        if (index < 100) await mkdir(dir, { recursive: true });
        await writeFile(join(dir, `${index}.bin`), content);
      }
    }
    await writeFile(join(folder, 'holdfast.yaml'), 'version: 1\nproject: bench\nenvironments: { dev: { remediation: ask } }\ntargets: { tree: { environments: [dev], provider: files, source: { path: ./desired }, spec: { root: ./live } } }\n');
    const sums = [];
    const checks = [];
    let memory = 0;
    for (let index = 0; index <= RUNS; index += 1) {
      const sum = await timed('sh', ['-c', 'find desired live -type f -print0 | xargs -0 sha256sum > /dev/null'], folder);
      const check = await timed('/usr/bin/env', [process.execPath, program, 'check', '--config', join(folder, 'holdfast.yaml'), '-o', 'json'], folder);
      if (index === 0) continue;
      sums.push(sum.seconds);
      checks.push(check.seconds);
      memory = Math.max(memory, check.megabytes);
    }
    return [
      row({ name: 'files.check: 10,000 files of 4 KB against sha256sum', value: median(checks) / median(sums), unit: '× sha256sum', goal: 1.5 }),
      row({ name: 'files.check: seconds', value: median(checks), unit: 's' }),
      row({ name: 'files.check: sha256sum of both trees', value: median(sums), unit: 's' }),
      row({ name: 'files.check: memory', value: memory, unit: 'MB' }),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function cliRows(say) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  try {
    for (const side of ['desired', 'live']) {
      await mkdir(join(folder, side));
      await writeFile(join(folder, side, 'app.yaml'), `port: ${side === 'live' ? 1 : 2}\n`);
    }
    const file = join(folder, 'holdfast.yaml');
    await writeFile(file, 'version: 1\nproject: bench\nenvironments: { dev: { schedule: "0 0 1 1 *", remediation: ask } }\ntargets: { tree: { environments: [dev], provider: files, source: { path: ./desired }, spec: { root: ./live } } }\n');
    const rows = [];
    for (const [name, args, goal] of [['--version', ['--version'], 0.3], ['--help', ['--help'], 0.3], ['check', ['check', '--config', file]], ['plan', ['plan', 'dev/tree', '--config', file]]]) {
      say(`holdfast ${name}`);
      const times = [];
      for (let index = 0; index < RUNS; index += 1) times.push((await timed(process.execPath, [program, ...args], folder)).seconds);
      rows.push(row({ name: `cli: holdfast ${name}`, value: median(times), unit: 's', ...(goal === undefined ? {} : { goal }) }));
    }
    say('holdfast up, cold and warm');
    await upUntilReady(file);
    const warm = await upUntilReady(file);
    rows.push(row({ name: 'cli: warm start of up to ready', value: warm, unit: 's', goal: 5 }));
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Deciding and splitting ten thousand changes at once, by `remediation` alone and under 200 rules of many kinds. */
export function decideRows() {
  const bare = Array.from({ length: RUNS }, (_, run) => secondsToDecide(decideByRemediation, { count: 10_000, run }));
  // In turn, so that what else the machine does meets both sides of the ratio.
  const pairs = Array.from({ length: RUNS }, (_, run) => [10_000, 20_000].map((count) => secondsToDecide(decideUnder(manyRules()), { count, run })));
  const ruled = pairs.map(([once]) => once);
  return [
    row({ name: 'decide: 10,000 changes', value: median(bare), unit: 's', goal: 0.5 }),
    row({ name: 'decide: 10,000 changes under 200 rules', value: median(ruled), unit: 's', goal: 0.5 }),
    row({ name: 'decide: 20,000 changes against 10,000 under 200 rules', value: median(pairs.map(([once, twice]) => twice / once)), unit: '×', goal: 2.5 }),
  ];
}

/** What `config validate` takes to find that many windows leave no moment: denies of an hour, by the day, the week and the month. */
export function windowRows() {
  return [['day', '* * *'], ['week', '* * 0-6'], ['month', '1-31 * *']].map(([name, days]) => {
    const seconds = Array.from({ length: RUNS }, () => {
      const windows = Array.from({ length: 100 }, (_unused, index) => ({ kind: 'deny', start: `${(index * 15) % 60} ${Math.floor(index / 4) % 24} ${days}`, durationMs: 59 * 60_000, timezone: 'Europe/London', actions: ['finalize'], overrun: false }));
      const started = process.hrtime.bigint();
      neverOpens(windows);
      return Number(process.hrtime.bigint() - started) / 1e9;
    });
    return row({ name: `windows: 100 of an hour that leave no moment of a ${name}`, value: median(seconds), unit: 's', goal: 1 });
  });
}

/** With changes that no run saw before. */
function secondsToDecide(decide, { count, run }) {
  const environment = { name: 'prod', remediation: 'auto', timezone: 'Europe/London' };
  const target = { environment: 'prod', target: 'shop', provider: 'opentofu', pool: 'prod', remediation: 'auto', health: [{}], intent: { tier: 'high' } };
  const history = { recurrence: 1, firstLook: false };
  const inputs = Array.from({ length: count }, (_unused, index) => ({
    target, environment, history, baseline: 'healthy', at: '2026-11-02T09:00:00.000Z',
    change: { resource: `aws_type_${index % 60}.r${run}_${index}`, path: `/field_${index % 80}`, kind: 'changed', effect: index % 7 === 0 ? 'delete' : 'update', desired: index, actual: index + 1, sensitive: false, revision: 'r', fingerprint: `v1:${run}:${index}` },
  }));
  const started = process.hrtime.bigint();
  const parts = splitParts(inputs.map((input) => ({ change: input.change, decided: decide(input) })));
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (parts.length < 2) throw new Error('the changes did not split into parts');
  return seconds;
}

/** 200 rules: by type, by path, by both as globs, by condition alone, and some that every change is asked about. */
function manyRules() {
  const rule = (name, { when, ...rest }) => ({ name, at: `bench.yaml:${name}`, on: {}, shadow: false, ...rest, ...(when === undefined ? {} : { when: compiled(when) }) });
  const compiled = (text) => {
    const condition = RULES.compile(text);
    if ('message' in condition) throw new Error(`${text}: ${condition.message}`);
    return condition;
  };
  return [
    ...Array.from({ length: 60 }, (_, index) => rule(`type-${index}`, { on: { type: [`aws_type_${index}`] }, when: 'change.actual != change.desired && environment.production', decision: 'ask' })),
    ...Array.from({ length: 60 }, (_, index) => rule(`path-${index}`, { when: `change.path == "/field_${index}" && change.desired > ${index * 10}`, decision: 'ask', risk: 'high' })),
    ...Array.from({ length: 60 }, (_, index) => rule(`both-${index}`, { on: { type: [`aws_type_${index % 10}*`], path: [`/field_${index}*`] }, when: 'history.recurrence > 0 || target.owner == "team-web"', decision: 'hold' })),
    ...Array.from({ length: 10 }, (_, index) => rule(`trial-${index}`, { on: { path: ['/field_*'] }, when: `time.hour == ${index} && change.resource.startsWith("aws_")`, decision: 'hold', shadow: true })),
    ...Array.from({ length: 10 }, (_, index) => rule(`every-${index}`, { when: `change.resource.endsWith("_${index}") || intent.tier == "none"`, decision: 'ask' })),
  ];
}

async function upUntilReady(file) {
  const started = Date.now();
  const child = spawn(process.execPath, [program, 'up', '--config', file, '--port', String(await freePort()), '--temporal-ui-port', String(await freePort())], { stdio: ['ignore', 'pipe', 'pipe'] });
  const seconds = await new Promise((resolve, reject) => {
    let seen = '';
    const look = (chunk) => {
      seen += chunk;
      if (/is up/.test(seen)) resolve((Date.now() - started) / 1000);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => { reject(new Error(`up ended with ${code}: ${seen}`)); });
  });
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill('SIGINT');
  await gone;
  return seconds;
}

/** Wall time and peak memory of a command, whatever it exits with. */
async function timed(command, args, cwd) {
  const started = process.hrtime.bigint();
  const child = spawn(command, args, { cwd, stdio: 'ignore' });
  let megabytes = 0;
  const sampling = setInterval(() => {
    void run('ps', ['-o', 'rss=', '-p', String(child.pid)]).then(({ stdout }) => { megabytes = Math.max(megabytes, Number(stdout) / 1024); }, () => undefined);
  }, 50);
  await new Promise((resolve) => { child.once('exit', resolve); });
  clearInterval(sampling);
  return { seconds: Number(process.hrtime.bigint() - started) / 1e9, megabytes };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
