import type { IncidentId } from '../../domain/address.js';
import type { Judgement, Question } from '../../domain/approving/judge.js';
import type { DecisionMessage } from '../../domain/message.js';

export interface JudgeBatch {
  readonly incident: IncidentId;
  readonly run: string;
  readonly messages: readonly InboxMessage[];
  readonly questions: readonly Question[];
  /** Messages that made no sense since the last batch; counted in the record. */
  readonly malformed: number;
  readonly lastProblem?: string;
}

export interface InboxMessage {
  readonly message: DecisionMessage;
  /** The n-th signal of that name in this run (from 1), or the update's id: how its event time is found. */
  readonly via: { readonly signal: string; readonly ordinal: number } | { readonly update: string };
}

export interface Judged extends Judgement {
  readonly by: string;
  readonly at: string;
  /** Of an adoption: names it on record. */
  readonly adoption?: string;
  /** A replayed approval consumed nothing: the part must be asked again. */
  readonly replayed?: boolean;
}

export interface EscalateInput {
  readonly incident: IncidentId;
  readonly part: number;
  readonly plan: string;
  readonly ask: string;
  /** From 1. */
  readonly step: number;
  readonly to: string;
}

/** Who must approve now, and who has. */
export interface Escalated {
  readonly requires?: string;
  readonly approvals?: string;
}
