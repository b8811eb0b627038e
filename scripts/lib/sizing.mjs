// How much of everything so many targets need: a calculation from figures that were measured, and from assumptions that are said.
import { createHash } from 'node:crypto';

/** `from`: the bench row that measured it, or why it is assumed. Change a line to fit your site, and run scripts/sizing.mjs again. */
export const INPUTS = {
  intervalSeconds: { value: 900, from: 'assumed: each target is looked at every 15 minutes' },
  targetsPerEnvironment: { value: 1_000, from: 'assumed: an environment has at most so many targets' },
  targetsPerProject: { value: 50_000, from: 'advised: every process reads the whole configuration of its project' },
  lookSeconds: { value: 1, from: 'assumed: an engine answers after a second' },
  engineCpuMs: { value: 5, from: 'assumed: what the provider computes for one look' },
  ownCpuMs: { value: 0.4, from: 'measured: scale.checks, CPU of the worker' },
  cpuShare: { value: 0.5, from: 'assumed: a worker is planned half busy' },
  looksAtOnce: { value: 80, from: 'the code: ten steps of a check at once, limits.reads 8 each' },
  stepsOfWorker: { value: 100, from: 'the SDK: steps at once in one process' },
  actionsPerCheck: { value: 4, from: 'measured: check.actions' },
  targetsPerStep: { value: 25, from: 'the code: up to 2,500 targets of a pool; then a hundredth of it, at most 100' },
  historyBytesPerTarget: { value: 48, from: 'measured: scale.checks, history' },
  historyBytesPerCheck: { value: 5_000, from: 'measured: check.bytes of one target' },
  historyDays: { value: 7, from: 'assumed: retention of the namespace; the record is in the ledger' },
  driftsPerTargetAndYear: { value: 2, from: 'assumed: a target drifts twice a year' },
  actionsPerIncident: { value: 15, from: 'measured: incident.actions, approved' },
  recordBytesPerTarget: { value: 1_110, from: 'measured: scale.large, kept in the record' },
  recordBytesPerIncident: { value: 16_500, from: 'measured: scale.drift, one change, approved and repaired' },
  logBytesPerLook: { value: 690, from: 'measured: scale.postgres, write-ahead log of a check without drift' },
  connectionsPerProcess: { value: 16, from: 'the code: 8 for the ledger, 8 for artifacts in PostgreSQL' },
  startsPerSecond: { value: 10, from: 'Temporal Cloud: schedule starts of a namespace' },
};

const DAY = 86_400;
const YEAR = 365 * DAY;

/** What `targets` need; `inputs` as in INPUTS. */
function sizeOf(targets, inputs = INPUTS) {
  const of = (name) => inputs[name].value;
  const projects = Math.ceil(targets / of('targetsPerProject'));
  const environments = Math.ceil(targets / of('targetsPerEnvironment'));
  const perEnvironment = Math.min(targets, of('targetsPerEnvironment'));
  const checksPerSecond = environments / of('intervalSeconds');
  const looksPerSecond = targets / of('intervalSeconds');
  const actionsPerCheck = of('actionsPerCheck') + Math.ceil(perEnvironment / of('targetsPerStep'));
  const incidentsPerSecond = (targets * of('driftsPerTargetAndYear')) / YEAR;
  const cores = (looksPerSecond * (of('ownCpuMs') + of('engineCpuMs'))) / 1000 / of('cpuShare');
  const steps = (looksPerSecond * of('lookSeconds')) / (of('looksAtOnce') / 10);
  return {
    targets, projects, environments,
    checkSeconds: Math.ceil(perEnvironment / (Math.min(10, Math.ceil(perEnvironment / of('targetsPerStep'))) * (of('looksAtOnce') / 10))) * of('lookSeconds'),
    looksPerSecond,
    actionsPerSecond: checksPerSecond * actionsPerCheck + incidentsPerSecond * of('actionsPerIncident'),
    /** One process uses about one core; two at least in each project, so that one may go. */
    workers: Math.max(2 * projects, Math.ceil(cores), Math.ceil(steps / of('stepsOfWorker'))),
    transactionsPerSecond: looksPerSecond,
    logGigabytesPerDay: (looksPerSecond * of('logBytesPerLook') * DAY) / 1e9,
    historyGigabytes: (checksPerSecond * DAY * of('historyDays') * (of('historyBytesPerCheck') + perEnvironment * of('historyBytesPerTarget'))) / 1e9,
    recordGigabytesPerYear: (targets * of('recordBytesPerTarget') + incidentsPerSecond * YEAR * of('recordBytesPerIncident')) / 1e9,
    jitterSeconds: jitterFor(Math.ceil(environments / projects), inputs),
    get connections() { return this.workers * of('connectionsPerProcess'); },
  };
}

/** The least jitter, in whole half minutes, under which the simulated schedules of one namespace stay within its limit. */
function jitterFor(environments, inputs = INPUTS) {
  for (let jitter = 0; ; jitter += 30) {
    if (simulateStarts({ environments, jitterSeconds: jitter, intervalSeconds: inputs.intervalSeconds.value }).most <= inputs.startsPerSecond.value) return jitter;
  }
}

/**
 * Schedules that all fire at the same minute, each put off by its own jitter: a digest of its name and
 * time spread evenly, as Temporal does it. The most starts in one second over `rounds` firings.
 */
function simulateStarts({ environments, jitterSeconds, intervalSeconds, rounds = 20 }) {
  let most = 0;
  let inAll = 0;
  for (let round = 0; round < rounds; round += 1) {
    const starts = new Map();
    for (let environment = 0; environment < environments; environment += 1) {
      const at = round * intervalSeconds + Math.floor(fraction(`check/environment-${environment} ${round}`) * Math.max(1, jitterSeconds));
      starts.set(at, (starts.get(at) ?? 0) + 1);
    }
    most = Math.max(most, ...starts.values());
    inAll += environments;
  }
  return { most, mean: inAll / rounds / Math.max(1, jitterSeconds) };
}

const fractions = new Map();

/** 0 to 1, the same for the same text. */
function fraction(text) {
  const known = fractions.get(text) ?? createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
  fractions.set(text, known);
  return known;
}

/** The tables of docs/scaling.md, in Markdown. */
export function sizingTables(counts, inputs = INPUTS) {
  const sizes = counts.map((count) => sizeOf(count, inputs));
  const number = (value) => (value >= 100 ? Math.round(value).toLocaleString('en') : Number(value.toPrecision(2)).toLocaleString('en', { maximumFractionDigits: 4 }));
  const row = (name, pick) => `| ${name} | ${sizes.map((size) => number(pick(size))).join(' | ')} |`;
  const head = (cells) => [`| ${cells.join(' | ')} |`, `| ${cells.map(() => '---').join(' | ')} |`];
  return [
    [
      ...head(['targets', ...sizes.map((size) => size.targets.toLocaleString('en'))]),
      row('projects, each with a namespace and a ledger of its own', (size) => size.projects),
      row('environments', (size) => size.environments),
      row('one check of an environment takes, s', (size) => size.checkSeconds),
      row('looks per second', (size) => size.looksPerSecond),
      row('actions per second', (size) => size.actionsPerSecond),
      row('worker processes', (size) => size.workers),
      row('transactions of the ledgers per second', (size) => size.transactionsPerSecond),
      row('write-ahead log of PostgreSQL, GB a day', (size) => size.logGigabytesPerDay),
      row('connections to PostgreSQL', (size) => size.connections),
      row('growth of the ledgers, GB a year', (size) => size.recordGigabytesPerYear),
      row('histories kept by Temporal, GB', (size) => size.historyGigabytes),
      row('jitter of the schedules, s', (size) => size.jitterSeconds),
    ].join('\n'),
    [
      ...head(['environments in a namespace', 'without jitter', '30 s', '1 min', '2 min', '5 min', '10 min']),
      ...[10, 50, 100, 500, 1_000, 5_000].map((environments) => `| ${environments.toLocaleString('en')} | ${[0, 30, 60, 120, 300, 600].map((jitterSeconds) => simulateStarts({ environments, jitterSeconds, intervalSeconds: inputs.intervalSeconds.value }).most.toLocaleString('en')).join(' | ')} |`),
    ].join('\n'),
    [
      ...head(['input', 'value', 'from']),
      ...Object.entries(inputs).map(([name, { value, from }]) => `| \`${name}\` | ${value.toLocaleString('en')} | ${from} |`),
    ].join('\n'),
  ];
}
