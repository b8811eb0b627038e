import { mustSignCommand, type Config } from '../config/config.js';
import { formatIncident, type IncidentId, type TargetAddress } from '../domain/address.js';
import type { Change } from '../domain/change.js';
import { changesInBrief } from '../domain/describe.js';
import { intentLines, type Intent } from '../domain/deciding/intent.js';
import { oneLine } from '../domain/plain-text.js';
import type { Plan } from '../domain/plan.js';
import { KEY, withKey } from '../domain/gates/gate.js';
import type { Target } from '../domain/target.js';
import type { Notice } from '../notify/sink.js';
import type { Showing } from '../trust/showing.js';
import type { Dependencies } from './deps.js';

type Told = { readonly [Key in 'owner' | 'intent']: Target[Key] };

/** Queues a word about a target, or one of its incidents, for those whom its environment and owner concern. `key` is the same on every retry. */
export async function tellAbout(deps: Dependencies, about: TargetAddress & Partial<Pick<Told, 'owner' | 'intent'>>, { key, ...notice }: Omit<Notice, 'environment' | 'target' | 'owner' | 'intent'> & { readonly key: string }): Promise<void> {
  const { environment, target, owner, intent } = about;
  const runbook = notice.event === 'needs-human' || notice.event === 'blind' || notice.event === 'rolled-back' ? runbookLine(intent) : [];
  const commands = signable(await deps.config(), environment, notice.commands);
  await deps.tell({ ...notice, commands, text: [notice.text, ...runbook].join('\n'), environment, target, ...(owner === undefined ? {} : { owner }), ...(intent === undefined ? {} : { intent }) }, key);
}

/** The commands as they are to be typed about a scope: `prod`, `prod/storefront` or `*`. */
export function signable(config: Pick<Config, 'environments'>, scope: string, commands: readonly string[]): readonly string[] {
  return mustSignCommand(config, scope.split('/')[0] ?? scope, scope) ? commands.map(withKey) : commands;
}

export interface PartTold {
  readonly incident: IncidentId;
  readonly target: Target;
  readonly plan: Plan;
  readonly risk: string;
  readonly reason: string;
  readonly at: string;
  readonly expiresAt?: string;
  /** What an approved repair would wait for. */
  readonly waits?: string;
  /** Who must approve, and who has. */
  readonly requires?: string;
  readonly approvals?: string;
  /** Where approvals must be signed; without what exactly, where only the command line is named. */
  readonly signing?: Partial<Showing>;
  /** What is different from an earlier question. */
  readonly since?: string;
}

/** What a person needs to decide about a part: what drifted, what would be done, how to answer. */
export function partNotice(told: PartTold, event: 'approval-needed' | 'approval-reminder' | 'approval-escalated'): Notice {
  const name = formatIncident(told.incident);
  const hash = told.plan.hash.slice(0, 12);
  const { owner, intent } = told.target;
  const key = told.signing === undefined ? '' : KEY;
  return {
    event,
    subject: name,
    environment: told.incident.environment,
    target: told.incident.target,
    risk: told.risk,
    at: told.at,
    title: `${name} ${event === 'approval-needed' ? 'needs' : 'still needs'} an approval: ${changesInBrief(told.plan.changes)}`,
    text: [
      `${told.plan.changes.length} changed: ${changesInBrief(told.plan.changes)}.`,
      `Asked because ${told.reason}.`,
      ...intentLines(told.target.intent),
      ...told.plan.steps.slice(0, 10).map((step) => `- ${step.action} ${oneLine(step.resource, 200)}: ${oneLine(step.summary, 300)}`),
      ...(told.since === undefined ? [] : [`Changed since it was asked before: ${told.since}.`]),
      ...(told.requires === undefined ? [] : [`Who must approve: ${told.requires}.`]),
      ...(told.approvals === undefined ? [] : [`So far: ${told.approvals}.`]),
      ...(told.waits === undefined ? [] : [`It may be approved now, and then waits: ${told.waits}.`]),
      ...(told.expiresAt === undefined ? [] : [`The question expires at ${told.expiresAt}.`]),
      ...(told.signing === undefined ? [] : ['It must be signed with a key that is registered for you.']),
      ...(told.signing?.command === undefined ? [] : [`To sign it elsewhere, with your name in it: ${told.signing.command}`]),
    ].join('\n'),
    commands: [`holdfast incident ${name}`, `holdfast approve ${name} --plan ${hash}${key}`, `holdfast reject ${name} --plan ${hash} --reason WHY${key}`],
    ...(owner === undefined ? {} : { owner }),
    ...(intent === undefined ? {} : { intent }),
  };
}

/** Where somebody who must act now reads on. */
function runbookLine(intent: Intent | undefined): readonly string[] {
  return intentLines(intent?.runbook === undefined ? undefined : { runbook: intent.runbook });
}

/** Rules say that a change should become the desired state: a person is asked to make it so. */
export async function tellToAdopt(deps: Dependencies, target: Target, told: { readonly incident: IncidentId; readonly part: number; readonly changes: readonly Change[]; readonly reason: string; readonly at: string; readonly plan?: string }): Promise<void> {
  const name = formatIncident(told.incident);
  const brief = changesInBrief(told.changes);
  await tellAbout(deps, target, {
    event: 'approval-needed',
    subject: name,
    at: told.at,
    title: `${name} should be adopted: ${brief}`,
    text: `${told.changes.length} changed: ${brief}. The rules say that it should become the desired state, since ${told.reason}. Nothing live is changed.`,
    commands: [`holdfast incident ${name}`, `holdfast adopt ${name}${planOption(told.plan)} --reason WHY`],
    key: `adopt-${told.part}`,
  });
}

/** So that what is pasted is about this part alone. */
export function planOption(plan: string | undefined): string {
  return plan === undefined ? '' : ` --plan ${plan.slice(0, 12)}`;
}
