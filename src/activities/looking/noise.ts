import { formatAddress } from '../../domain/address.js';
import { fieldKey } from '../../domain/change.js';
import { oneLine } from '../../domain/plain-text.js';
import type { Target } from '../../domain/target.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Concerns } from '../../policy/concerns.js';

/** At most so many fields stand in one entry. */
const MOST_FIELDS = 100;
const LONGEST_FIELD = 300;
/** What this process knows to be on record; beyond that it reads the record again. */
const MOST_KNOWN = 50_000;

/** What was left alone under which rule, by target: `rule field`. */
const known = new WeakMap<Pick<Ledger, 'entries'>, Map<string, Set<string>>>();

/**
 * What a rule leaves alone opens nothing and tells nobody, so the record says it: once for each field
 * and rule, also where the value is another one at each look.
 */
export async function recordNoise(ledger: Pick<Ledger, 'entries' | 'append'>, target: Target, quiet: Concerns['quiet'], at: string): Promise<void> {
  const left = quiet.flatMap(({ change, decided }) => (decided === undefined ? [] : [{ decided, field: oneLine(fieldKey(change), LONGEST_FIELD) }]));
  if (left.length === 0) return;
  const recorded = await recordedOf(ledger, target);
  const byRule = new Map<string, { readonly reason: string; readonly fields: string[] }>();
  for (const { decided, field } of left) {
    const rule = decided.rules.join(', ');
    const key = `${rule} ${field}`;
    if (recorded.has(key)) continue;
    recorded.add(key);
    const group = byRule.get(rule) ?? { reason: decided.reason, fields: [] };
    group.fields.push(field);
    byRule.set(rule, group);
  }
  for (const [rule, { reason, fields }] of byRule) {
    for (let from = 0; from < fields.length; from += MOST_FIELDS) {
      await ledger.append({ at, kind: 'decided', environment: target.environment, target: target.target, by: 'policy', data: { decision: 'accept', rule, reason, fields: fields.slice(from, from + MOST_FIELDS) } });
    }
  }
}

async function recordedOf(ledger: Pick<Ledger, 'entries'>, target: Target): Promise<Set<string>> {
  const targets = known.get(ledger) ?? new Map<string, Set<string>>();
  known.set(ledger, targets);
  const address = formatAddress(target);
  const found = targets.get(address);
  if (found !== undefined && found.size < MOST_KNOWN) return found;
  const read = new Set<string>();
  for await (const { data } of ledger.entries({ environment: target.environment, target: target.target, kinds: ['decided'] })) {
    const { rule, fields } = data;
    if (data['decision'] === 'accept' && typeof rule === 'string' && Array.isArray(fields)) for (const field of fields) read.add(`${rule} ${String(field)}`);
  }
  targets.set(address, read);
  return read;
}
