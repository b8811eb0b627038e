import { expect, test } from 'vitest';
import { describe as tell, missed, runLaboratory } from './laboratory-run.js';

/** `npm run faults -- --only lab` runs every case; this is a part of them, the same each time unless a seed is given. */
const SEED = Number(process.env['HOLDFAST_FAULT_SEED'] ?? 1);

/** A path that does not come where its name says would prove nothing. */
const PASSES: Readonly<Record<string, readonly string[]>> = {
  voted: ['effect:judge/ledger.vote', 'effect:judge/ledger.decide approve'],
  'voted-rejected': ['effect:judge/ledger.vote', 'effect:judge/ledger.decide reject'],
  escalated: ['effect:remind/tell approval-reminder', 'effect:escalate/ledger.append escalated', 'effect:escalate/tell approval-escalated'],
  unanswered: ['effect:escalate/ledger.append escalated'],
  glass: ['effect:judge/tell break-glass'],
  kept: ['effect:finalize/ledger.append gate'],
  'kept-frozen': ['effect:finalize/ledger.append gate', 'effect:rollback/ledger.append rolled-back'],
  unstaged: ['effect:rollback/ledger.append rolled-back', 'effect:finalize/ledger.append finalized'],
  'half-open': ['effect:stage/ledger.takePlace breaker', 'effect:verify/ledger.liftGate breaker', 'effect:verify/ledger.freePlace breaker'],
  'half-open-moved': ['effect:rollback/ledger.freePlace breaker', 'effect:verify/ledger.liftGate breaker'],
  'half-open-failed': ['effect:rollback/ledger.closeGate breaker'],
  'budget-moved': ['effect:rollback/ledger.freePlace budget'],
  lapsed: ['effect:assess/ledger.append settled', 'effect:assess/tell lapsed'],
  accepted: ['effect:judge/ledger.decide accept'],
  'accepted-lapsed': ['effect:judge/ledger.decide accept', 'effect:assess/tell lapsed', 'effect:finalize/ledger.append finalized'],
  adopted: ['effect:adopt/git.propose', 'effect:adopt/ledger.append adopted'],
  'frozen-asked': ['effect:command/ledger.closeGate freeze', 'effect:command/ledger.openGate'],
  'frozen-soaking': ['effect:command/ledger.closeGate freeze'],
};

test(`some of each fault with each aftermath, and pairs, on every path (seed ${SEED}): every statement holds`, async () => {
  const { recorded, results, calls, enumerated } = await runLaboratory({ seed: SEED, aftermaths: ['continue', 'crash', 'everything'], each: 1, pairs: 2 });
  expect(recorded.flatMap((result) => result.violations)).toEqual([]);
  const labels = new Map(recorded.map(({ case: { path }, lines }) => [path, new Set(lines.map((line) => line.label))]));
  expect(Object.entries(PASSES).flatMap(([path, wanted]) => wanted.filter((label) => labels.get(path)?.has(label) !== true).map((label) => `${path} never made the call ${label}`))).toEqual([]);
  expect(enumerated).toBeGreaterThan(calls);
  // Six faults that go on, and four that a caller dies of, in process and really.
  expect(results).toHaveLength(6 + 4 + 4 + 2);
  expect(results.filter((result) => result.violations.length > 0 || missed(result)).map(tell)).toEqual([]);
}, 900_000);
