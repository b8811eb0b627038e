import type { Json } from '../json.js';
import { oneLine } from '../plain-text.js';

/** What a target is for, in the words of its configuration: for those who decide, and for rules. */
export interface Intent {
  readonly purpose?: string;
  /** Who is concerned. */
  readonly stakeholders?: readonly string[];
  /** How much depends on it. */
  readonly tier?: string;
  /** Until when it is needed: a date, or words. */
  readonly horizon?: string;
  /** Where to read on when a person must act. */
  readonly runbook?: string;
  /** Keys of one's own; rules may read them. */
  readonly [key: string]: Json | undefined;
}

export const INTENT_KEYS = ['purpose', 'stakeholders', 'tier', 'horizon', 'runbook'] as const;

const LONGEST = 300;

/** One line for each thing that is said, the runbook last: that is what somebody opens next. */
export function intentLines(intent: Intent | undefined): readonly string[] {
  if (intent === undefined) return [];
  const { purpose, stakeholders, tier, horizon, runbook } = intent;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Purpose', purpose],
    ['Tier', tier],
    ['Concerns', stakeholders?.join(', ')],
    ['Needed until', horizon],
    ['Runbook', runbook],
  ];
  return lines.flatMap(([name, said]) => (said === undefined || said === '' ? [] : [`${name}: ${oneLine(said, LONGEST)}`]));
}
