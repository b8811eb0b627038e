import type { CommandMessage } from '../../domain/message.js';
import type { CommandAnswer } from '../../workflows/messages.js';

export interface CommandInput {
  readonly environment: string;
  readonly message: CommandMessage;
  readonly run: string;
}

/** `wake`: the scope whose open incidents are so many that they are told beside, after the answer. */
export interface CommandDone extends CommandAnswer {
  readonly wake?: string;
}
