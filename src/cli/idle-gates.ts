import { formatAddress } from '../domain/address.js';
import { holdsChange } from '../domain/gates/ask.js';
import type { ClosedGate, Ledger, TargetRow } from '../ledger/ledger.js';

/** Each target costs the reading of a report. */
const READ = 50;

/**
 * Gates that hold single changes, none of which was there at the last look: a repair that is quarantined
 * is remembered after somebody has put it right another way. What could not be read may still be there.
 */
export async function idleGates(ledger: Ledger, rows: readonly TargetRow[], gates: readonly ClosedGate[]): Promise<readonly ClosedGate[]> {
  const holding = gates.filter((gate) => gate.gate === 'quarantine' || gate.gate === 'flapping');
  const idle: ClosedGate[] = [];
  for (const scope of [...new Set(holding.map((gate) => gate.scope))].slice(0, READ)) {
    const row = rows.find((each) => formatAddress(each) === scope);
    if (row === undefined || row.verdict === 'unknown') continue;
    const changes = row.verdict === 'clean' ? [] : (await ledger.report(row.digest))?.changes;
    if (changes !== undefined) idle.push(...holding.filter((gate) => gate.scope === scope && !changes.some((change) => holdsChange(gate, change))));
  }
  return idle;
}
