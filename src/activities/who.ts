import type { Config, Environment } from '../config/config.js';
import type { Who } from '../domain/judge.js';
import type { DecisionMessage } from '../domain/message.js';
import { NOBODY, principalOf } from '../domain/people.js';
import type { Dependencies } from './deps.js';
import type { JudgeBatch } from './types.js';

export interface Deciding {
  readonly batch: JudgeBatch;
  readonly message: DecisionMessage;
  /** The server's event time (ISO, UTC). */
  readonly at: string;
  readonly config: Config;
  readonly trust: Environment['approvals']['trust'];
}

/** Which person sent a decision, under whichever of their names, and whether that is proved. */
export function whoDecides(_deps: Dependencies, { message, config }: Deciding): Promise<Who> {
  return Promise.resolve({ person: principalOf(config.people ?? NOBODY, message.by), verified: false });
}
