import type { Config } from './config.js';
import type { ConfigFile } from './files.js';
import { check } from './issues.js';
import type { Report } from './problem.js';
import { readinessSchema } from './schema.js';
import { child, locate, toPlain } from './tree.js';
import { refuseExpressions } from './variables.js';

/** When a class of change has earned the next step; nothing where nobody wrote it, so that the defaults hold. */
export function readReadiness(root: ConfigFile, report: Report): Pick<Config, 'readiness'> {
  const tree = child(root.tree, 'readiness');
  if (tree === undefined) return {};
  const input = check(readinessSchema, toPlain(tree), { report, where: ['readiness'], tree });
  refuseExpressions(tree, { report, where: ['readiness'], allowed: () => false });
  if (input === undefined) return {};
  const { within, ask, auto } = input;
  for (const [step, { over }] of Object.entries({ ask, auto })) {
    if (over > within) report.add({ at: locate(tree, [step, 'over']).at, message: `readiness.${step}.over: is longer than what is counted (readiness.within)`, remedy: 'count further back, or ask for a shorter time' });
  }
  return { readiness: { withinMs: within, ask: { seen: ask.seen, overMs: ask.over }, auto: { approved: auto.approved, unchanged: auto.unchanged, healthy: auto.healthy, overMs: auto.over } } };
}
