/**
 * A row of the bench: what was measured, in what unit, and the goal it is held against.
 * `met` is undefined for a figure without a goal.
 */
export function row({ name, value, unit, goal, below = true }) {
  const rounded = Math.round(value * 1000) / 1000;
  return { name, value: rounded, unit, goal: goal ?? null, met: goal === undefined ? null : below ? rounded <= goal : rounded >= goal };
}

export function printRow({ name, value, unit, goal, met }) {
  const verdict = met === null ? '' : met ? 'met' : 'MISSED';
  process.stdout.write(`${name.padEnd(58)} ${String(value).padStart(10)} ${unit.padEnd(18)} ${goal === null ? '' : `goal ${goal}`.padEnd(12)} ${verdict}\n`);
}
