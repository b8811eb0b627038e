import { sha256 } from '../../../src/digest.js';
import { devServer } from '../../support/dev-server.js';
import { enumerate, nameOfCase, pointsOf, type Enumerated } from './enumerate.js';
import { AFTERMATHS, FAULTS, nameOfFault, type Aftermath, type Fault } from './faults.js';
import { runGroup, type CaseResult, type ServerHolder } from './group.js';
import { PATHS } from './paths.js';
import type { Case } from './plan-of-group.js';

export interface LaboratoryOptions {
  readonly seed: number;
  /** Names of paths; absent: every one. */
  readonly paths?: readonly string[];
  readonly aftermaths?: readonly Aftermath[];
  /** So many cases of each fault with each aftermath, drawn with the seed; absent: every one. */
  readonly each?: number;
  /** Cases with two faults, drawn with the seed: the first with each aftermath in turn, the second in process. */
  readonly pairs?: number;
  /** Each fault at each call once, in the first path that makes that call, instead of in every path. */
  readonly once?: boolean;
  /** Groups under way at once, each on a server of its own: while the last cases of one end, another works. */
  readonly lanes?: number;
  /** No group is begun later; what was not run is counted. */
  readonly untilMs?: number;
  /** Only cases whose name holds this text: one case alone is repeated by its name. */
  readonly only?: string;
  readonly log?: (line: string) => void;
}

export interface LaboratoryReport {
  readonly seed: number;
  /** Calls that the paths make without faults, and how often each was combined. */
  readonly calls: number;
  readonly enumerated: number;
  /** By reason. */
  readonly notApplicable: ReadonlyMap<string, number>;
  readonly results: readonly CaseResult[];
  /** Cases that there was no time for. */
  readonly notRun: number;
  /** What the runs without faults violate: nothing may be judged by paths that are not well themselves. */
  readonly recorded: readonly CaseResult[];
}

/** What is really killed is killed for a whole group; in process cases only share a server. */
const GROUPS: readonly { readonly name: string; readonly aftermaths: readonly Aftermath[]; readonly size: number }[] = [
  { name: 'in process', aftermaths: ['continue', 'crash'], size: 60 },
  { name: 'worker killed', aftermaths: ['worker'], size: 80 },
  { name: 'worker and server killed', aftermaths: ['everything'], size: 80 },
  { name: 'server killed', aftermaths: ['server'], size: 80 },
];

interface Work {
  readonly name: string;
  /** Cases that missed their point the first time: on a busy machine a run may take another turn. */
  readonly again?: true;
  readonly cases: readonly Planned[];
}

type Planned = Omit<Case, 'target'>;

/** Records every path, enumerates every call with every fault, and runs all of it or a part drawn with the seed. */
export async function runLaboratory(options: LaboratoryOptions): Promise<LaboratoryReport> {
  const { seed, paths, aftermaths = AFTERMATHS, each, pairs = 0, once = false, lanes = 2, untilMs = Infinity, only = '', log = () => undefined } = options;
  const first = { now: await devServer() };
  try {
    const chosen = PATHS.filter(({ name }) => paths?.includes(name) ?? true);
    const recorded = await runGroup(first, targeted(chosen.map(({ name }) => ({ path: name, faults: [] }))), { log });
    for (const result of recorded) if (result.violations.length > 0) log(describe(result));
    const points = new Map(recorded.map((result) => [result.case.path, pointsOf(result.lines)]));
    const calls = [...points.values()].reduce((sum, own) => sum + own.length, 0);
    const all = [...points].flatMap(([path, own]) => enumerate(path, own, { aftermaths }));
    const applicable = newFirst(all.filter((one) => one.notApplicable === undefined), once);
    const singles = each === undefined ? applicable : ofEach(applicable, each, seed);
    const doubles = Array.from({ length: pairs }, (_, index) => pairOf(applicable, { seed: `${seed} pair ${index}`, aftermath: aftermaths[index % aftermaths.length] })).flat();
    const cases = [...singles.map(({ path, fault }) => ({ path, faults: [fault] })), ...doubles].filter(({ path, faults }) => nameOfCase(path, faults).includes(only));
    log(`${recorded.length} paths make ${calls} calls; ${all.length} combinations, ${all.length - all.filter((one) => one.notApplicable === undefined).length} of them not applicable; ${cases.length} cases are run`);
    const results = await runAll(first, worksOf(cases), { lanes, untilMs, log });
    return { seed, calls, enumerated: all.length, notApplicable: reasons(all), results, notRun: cases.length - results.length, recorded };
  } finally {
    await first.now.stop();
  }
}

async function runAll(first: ServerHolder, works: readonly Work[], { lanes, untilMs, log }: { readonly lanes: number; readonly untilMs: number; readonly log: (line: string) => void }): Promise<readonly CaseResult[]> {
  const queue = [...works];
  const results: CaseResult[] = [];
  const lane = async (server: ServerHolder): Promise<void> => {
    for (let work = queue.shift(); work !== undefined && Date.now() < untilMs; work = queue.shift()) {
      const started = Date.now();
      const group = await runGroup(server, targeted(work.cases), { log });
      const astray = work.again === true ? [] : group.filter((result) => result.violations.length === 0 && missed(result));
      if (astray.length > 0) queue.push({ name: `${work.name}, ${astray.length} again`, again: true, cases: astray.map(({ case: { path, faults } }) => ({ path, faults })) });
      results.push(...group.filter((result) => !astray.includes(result)));
      const bad = group.filter((result) => result.violations.length > 0 || missed(result));
      log(`${work.name}: ${group.length} cases, ${bad.length} bad, ${Math.round((Date.now() - started) / 1000)} s`);
      for (const result of bad) log(describe(result));
    }
  };
  const others = Array.from({ length: Math.max(0, Math.min(lanes, works.length) - 1) }, async () => {
    const server = { now: await devServer() };
    await lane(server).finally(() => server.now.stop());
  });
  await Promise.all([lane(first), ...others]);
  return results;
}

function worksOf(cases: readonly Planned[]): readonly Work[] {
  return GROUPS.flatMap(({ name, aftermaths: together, size }) => {
    const own = cases.filter(({ faults }) => together.includes(faults[0]?.aftermath ?? 'continue'));
    return Array.from({ length: Math.ceil(own.length / size) }, (_, index) => ({ name: `${name} ${index + 1} of ${Math.ceil(own.length / size)}`, cases: own.slice(index * size, (index + 1) * size) }));
  });
}

function targeted(cases: readonly Planned[]): readonly Case[] {
  return cases.map((one, index) => ({ target: `c${index}`, ...one }));
}

/** What no path before it has comes first, so that a run that is cut short has seen the most. */
function newFirst(all: readonly Enumerated[], once: boolean): readonly Enumerated[] {
  const known = new Set<string>();
  const again: Enumerated[] = [];
  const fresh = all.filter((each) => {
    const name = nameOfFault(each.fault);
    if (known.has(name)) again.push(each);
    const isNew = !known.has(name);
    known.add(name);
    return isNew;
  });
  return once ? fresh : [...fresh, ...again];
}

/** A case of one fault whose point was never reached says nothing; of two, the second may have lost its place to the first. */
export function missed({ struck, case: { faults } }: CaseResult): boolean {
  return faults.length === 1 && !struck;
}

export function describe(result: CaseResult): string {
  const { path, faults } = result.case;
  return [
    `  ${nameOfCase(path, faults)}: ended ${result.outcome ?? 'never'}${missed(result) ? ', and the point was never reached' : ''}`,
    ...result.violations.slice(0, 5).map((violation) => `    ${violation.statement}. ${violation.detail}`),
  ].join('\n');
}

/** The same number of every fault with every aftermath, whatever the paths have of it. */
function ofEach(all: readonly Enumerated[], each: number, seed: number): readonly Enumerated[] {
  return AFTERMATHS.flatMap((aftermath) => FAULTS.flatMap((kind) => drawn(all.filter(({ fault }) => fault.kind === kind && fault.aftermath === aftermath), each, String(seed))));
}

/** The first with that aftermath, a real kill too; the second in process, before it or after. None where nothing in process is asked for. */
function pairOf(all: readonly Enumerated[], { seed, aftermath }: { readonly seed: string; readonly aftermath: Aftermath | undefined }): readonly Planned[] {
  const [first] = drawn(all.filter(({ fault }) => fault.aftermath === aftermath), 1, seed);
  const [second] = drawn(all.filter(({ path, fault }) => path === first?.path && isInProcess(fault) && `${fault.label} ${fault.nth}` !== `${first.fault.label} ${first.fault.nth}`), 1, `${seed} second`);
  return first === undefined || second === undefined ? [] : [{ path: first.path, faults: [first.fault, second.fault] }];
}

function isInProcess({ aftermath }: Fault): boolean {
  return aftermath === 'continue' || aftermath === 'crash';
}

/** Drawn by name, so that a call more or less, or another order of two, leaves the others as they were. */
function drawn(all: readonly Enumerated[], count: number, seed: string): readonly Enumerated[] {
  const lot = new Map(all.map((each) => [each, sha256(`${seed} ${nameOfCase(each.path, [each.fault])}`)]));
  return [...all].sort((one, other) => (lot.get(one) ?? '').localeCompare(lot.get(other) ?? '')).slice(0, count);
}

function reasons(all: readonly Enumerated[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { notApplicable } of all) if (notApplicable !== undefined) counts.set(notApplicable, (counts.get(notApplicable) ?? 0) + 1);
  return counts;
}
