/** A named reason why a repair may not go on now. */
export type GateName =
  | 'window' | 'freeze' | 'breaker' | 'budget' | 'quarantine' | 'blast-radius' | 'flapping' | 'settling' | 'busy' | 'after'
  /** Stops nothing: a class of change that went a step back is asked about. */
  | 'step-back';

export type GateAnswer =
  | {
      readonly allowed: true;
      /** When it closes by itself (ISO, UTC), where that is known and soon. */
      readonly closesAt?: string;
    }
  | {
      readonly allowed: false;
      readonly gate: GateName;
      /** Who, why, and what will open it, in one line. */
      readonly reason: string;
      /** When it opens by itself (ISO, UTC); absent when only a person or an event opens it. */
      readonly opensAt?: string;
      /** The command that opens it, where one does. */
      readonly command?: string;
      /** The other gates that are closed, next in order first. */
      readonly also?: readonly ClosedAnswer[];
    };

export type ClosedAnswer = Omit<Extract<GateAnswer, { readonly allowed: false }>, 'also'>;

export const OPEN: GateAnswer = { allowed: true };

/** Every gate that is closed, foremost first. */
export function closedOf(answer: GateAnswer): readonly ClosedAnswer[] {
  if (answer.allowed) return [];
  const { also = [], ...first } = answer;
  return [first, ...also];
}

/** A gate that is closed more than once: what opens last is foremost, since what opens sooner lets nobody through. */
export function closedBy(answers: readonly ClosedAnswer[]): GateAnswer {
  const end = ({ opensAt }: ClosedAnswer): number => (opensAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(opensAt));
  const [first, ...also] = [...answers].sort((one, other) => (end(one) === end(other) ? 0 : end(other) - end(one)));
  if (first === undefined) return OPEN;
  return also.length === 0 ? first : { ...first, also };
}

/** Why it waits, what opens it and when, and which command would; of every gate that is closed. Empty when none is. */
export function gatesText(answer: GateAnswer): string {
  return closedOf(answer).map(({ reason, opensAt, command }) => (command === undefined ? reason : `${reason}; ${opensAt === undefined ? 'to open it' : 'or'}: ${command}`)).join('; and ');
}

/** A gate knows no plan; whoever tells it to somebody who looks at one does. */
export function withPlan(text: string, plan: string | undefined): string {
  return plan === undefined ? text : text.replaceAll('--plan HASH', `--plan ${plan.slice(0, 12)}`);
}

/** Where something holds, in words: `prod`, `prod/storefront`, `everything`. */
export function scopeText(scope: string): string {
  return scope === '*' ? 'everything' : scope;
}

/** The command by which a person lets go on what a gate holds. */
export function releasedBy(gate: GateName, scope: string): string {
  return `holdfast release ${scope} --gate ${gate} --reason WHY`;
}

/** The same for what `freeze` has closed. */
export function unfrozenBy(scope: string): string {
  return `holdfast unfreeze ${scope === '*' ? '--all' : scope} --reason WHY`;
}

/** The command that has the changes of an ended incident asked about again: what was rolled back is quarantined until it is released. */
export function askedAgainBy(incident: string, outcome: string | undefined): string {
  return outcome === 'rolled-back' ? releasedBy('quarantine', incident.split('#')[0] ?? incident) : `holdfast retry ${incident} --reason WHY`;
}

/** These let something go on, or keep drift quiet: where decisions are signed, they are. */
const SIGNED = /^holdfast (approve|reject|adopt|accept|release|retry|unfreeze) /;
/** The option with which a told command is signed. */
export const KEY = ' --key ~/.ssh/id_ed25519';

/** A told command as it is typed where decisions must be signed. */
export function withKey(command: string): string {
  return SIGNED.test(command) && !command.includes(' --key ') ? `${command}${KEY}` : command;
}
