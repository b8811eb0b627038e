import { AFTERMATHS, FAULTS } from './faults.js';
import type { CaseResult } from './group.js';
import { missed, type LaboratoryReport } from './laboratory-run.js';

/** The summary that a person reads: per path and per fault, how many cases, how many bad, the slowest recovery; and what was left out, and why. */
export function tableOf(report: LaboratoryReport): string {
  const { results, notApplicable, enumerated, calls, recorded, notRun } = report;
  const out = [...notApplicable.values()].reduce((sum, count) => sum + count, 0);
  const paths = [...new Set(recorded.map((result) => result.case.path))];
  const doubles = results.filter((result) => result.case.faults.length > 1);
  const singles = results.filter((result) => result.case.faults.length === 1);
  return [
    row('path', 'cases', 'violations', 'not reached', 'slowest recovery'),
    ...paths.map((path) => summary(path, results.filter((result) => result.case.path === path))),
    '',
    row('fault', 'cases', 'violations', 'not reached', 'slowest recovery'),
    ...AFTERMATHS.flatMap((aftermath) => FAULTS.map((kind) => [`${kind}, then ${aftermath}`, singles.filter(({ case: { faults } }) => faults[0]?.kind === kind && faults[0].aftermath === aftermath)] as const))
      .filter(([, own]) => own.length > 0)
      .map(([name, own]) => summary(name, own)),
    ...(doubles.length === 0 ? [] : [summary('two at once', doubles)]),
    '',
    `${calls} calls in ${recorded.length} paths, ${enumerated} combinations: ${enumerated - out} applicable, ${out} not:`,
    ...[...notApplicable].sort((a, b) => b[1] - a[1]).map(([reason, count]) => `  ${String(count).padStart(6)}  ${reason}`),
    `${results.length} cases run, ${results.filter(isBad).length} with violations, ${results.filter(missed).length} whose point was not reached${notRun === 0 ? '' : `; ${notRun} NOT RUN: the time was up`}`,
  ].join('\n');
}

export function isBad(result: CaseResult): boolean {
  return result.violations.length > 0;
}

function summary(name: string, results: readonly CaseResult[]): string {
  const slowest = Math.max(0, ...results.map((result) => result.recoveryMs));
  return row(name, String(results.length), String(results.filter(isBad).length), String(results.filter(missed).length), results.length === 0 ? '' : `${(slowest / 1000).toFixed(1)} s`);
}

function row(name: string, ...cells: readonly string[]): string {
  return `${name.padEnd(28)}${cells.map((cell) => cell.padStart(cell.length > 12 ? 18 : 12)).join('')}`;
}
