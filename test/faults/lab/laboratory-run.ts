import { sha256 } from '../../../src/digest.js';
import { devServer } from '../../support/dev-server.js';
import { enumerate, nameOfCase, pointsOf, type Enumerated } from './enumerate.js';
import { AFTERMATHS, FAULTS, type Aftermath, type Fault } from './faults.js';
import { runGroup, type CaseResult } from './group.js';
import { PATHS } from './paths.js';

export interface LaboratoryOptions {
  readonly seed: number;
  /** Names of paths; absent: every one. */
  readonly paths?: readonly string[];
  readonly aftermaths?: readonly Aftermath[];
  /** So many cases of each fault with each aftermath, drawn with the seed; absent: every one. */
  readonly each?: number;
  /** Cases with two faults, drawn with the seed. */
  readonly pairs?: number;
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
  /** What the runs without faults violate: nothing may be judged by paths that are not well themselves. */
  readonly recorded: readonly CaseResult[];
}

/** What is really killed is killed for a whole group; in process cases only share a server. */
const GROUPS: readonly { readonly name: string; readonly aftermaths: readonly Aftermath[]; readonly size: number }[] = [
  { name: 'in process', aftermaths: ['continue', 'crash'], size: 30 },
  { name: 'worker killed', aftermaths: ['worker'], size: 60 },
  { name: 'worker and server killed', aftermaths: ['everything'], size: 60 },
  { name: 'server killed', aftermaths: ['server'], size: 60 },
];

/** Records every path, enumerates every call with every fault, and runs all of it or a part drawn with the seed. */
export async function runLaboratory(options: LaboratoryOptions): Promise<LaboratoryReport> {
  const { seed, paths, aftermaths = AFTERMATHS, each, pairs = 0, only = '', log = () => undefined } = options;
  const server = { now: await devServer() };
  try {
    const chosen = PATHS.filter(({ name }) => paths?.includes(name) ?? true);
    const recorded = await runGroup(server, chosen.map(({ name }, index) => ({ target: `c${index}`, path: name, faults: [] })), { log });
    const points = new Map(recorded.map((result) => [result.case.path, pointsOf(result.lines)]));
    const all = [...points].flatMap(([path, own]) => enumerate(path, own, { aftermaths }));
    const applicable = all.filter((one) => one.notApplicable === undefined);
    const singles = each === undefined ? applicable : ofEach(applicable, each, seed);
    const doubles = Array.from({ length: pairs }, (_, index) => pairOf(applicable, `${seed} pair ${index}`));
    const cases = [...singles.map(({ path, fault }) => ({ path, faults: [fault] })), ...doubles].filter(({ path, faults }) => nameOfCase(path, faults).includes(only));
    log(`${recorded.length} paths make ${[...points.values()].reduce((sum, own) => sum + own.length, 0)} calls; ${all.length} combinations, ${all.length - applicable.length} of them not applicable; ${cases.length} cases are run`);
    const results: CaseResult[] = [];
    for (const { name, aftermaths: together, size } of GROUPS) {
      const own = cases.filter(({ faults }) => together.includes(faults[0]?.aftermath ?? 'continue'));
      for (let from = 0; from < own.length; from += size) {
        const started = Date.now();
        const group = await runGroup(server, own.slice(from, from + size).map((one, index) => ({ target: `c${index}`, ...one })), { log });
        results.push(...group);
        const bad = group.filter((result) => result.violations.length > 0 || missed(result));
        log(`${name}: ${from + group.length} of ${own.length} cases, ${bad.length} bad, ${Math.round((Date.now() - started) / 1000)} s`);
        for (const result of bad) log(describe(result));
      }
    }
    return { seed, calls: [...points.values()].reduce((sum, own) => sum + own.length, 0), enumerated: all.length, notApplicable: reasons(all), results, recorded };
  } finally {
    await server.now.stop();
  }
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

function pairOf(all: readonly Enumerated[], seed: string): { readonly path: string; readonly faults: readonly Fault[] } {
  const inProcess = all.filter(({ fault }) => fault.aftermath === 'continue' || fault.aftermath === 'crash');
  const [first] = drawn(inProcess, 1, seed);
  const [second] = drawn(inProcess.filter(({ path, fault }) => path === first?.path && `${fault.label} ${fault.nth}` !== `${first.fault.label} ${first.fault.nth}`), 1, `${seed} second`);
  if (first === undefined || second === undefined) throw new Error('nothing to make a pair of');
  return { path: first.path, faults: [first.fault, second.fault] };
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
