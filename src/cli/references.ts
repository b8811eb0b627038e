import type { Config } from '../config/config.js';

const REFERENCE = /\$\{(?:env|file):[^{}\n]+\}/g;

/** Every secret reference that the configuration holds, once each, in order of their names. */
export function referencesOf(config: Pick<Config, 'targets' | 'notifications'>): readonly string[] {
  const found = new Set<string>();
  collect(config.targets, found);
  collect(config.notifications, found);
  return [...found].sort();
}

function collect(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') for (const [reference] of value.matchAll(REFERENCE)) found.add(reference);
  else if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) collect(member, found);
}
