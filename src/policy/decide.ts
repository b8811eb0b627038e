import type { Config } from '../config/config.js';
import { decideByRemediation } from '../domain/decide.js';
import type { DecideChange } from '../domain/decision.js';

/** How changes are decided under this configuration: its rules first, `remediation` where none speaks. */
export function deciderOf(_config: Config): DecideChange {
  return decideByRemediation;
}
