import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { formatAddress, formatIncident } from '../domain/address.js';
import { gatesText, withPlan } from '../domain/gates/gate.js';
import { foremostPhase, type Phase } from '../domain/phase.js';
import { searchAttributes, type IncidentStatus } from './messages.js';
import type { IncidentRun, PartState } from './state.js';
import { waitsFor } from './waits.js';

/** What each phase means to somebody who has never seen the code. */
const MEANING: Readonly<Record<Phase, string>> = {
  deciding: 'looking at what drifted and deciding what to do',
  observed: 'observed: nothing is done about it',
  'awaiting-approval': 'waiting for a person to approve or reject',
  waiting: 'decided; waiting until it may write',
  staging: 'preparing the repair beside what is live',
  validating: 'measuring the health of what was prepared',
  finalizing: 'switching over',
  kept: 'prepared and kept; a gate closed before the switch',
  verifying: 'looking again and measuring health after the switch',
  soaking: 'switched over; watching before it counts as fixed',
  'rolling-back': 'putting back what was live before',
  closed: 'closed',
};

/** Keeps the current details of the Temporal UI true: what drifted, what is planned, what it waits for, how to approve, stop and undo it. */
export function describeIncident(run: IncidentRun): void {
  const { incident } = run.input;
  const parts = [...run.ended, ...run.parts];
  const lines = [`## ${formatIncident(incident)}: ${MEANING[phaseOf(run)]}`, '', run.details];
  if (isBlind(run)) lines.push('', 'Nothing is repaired while the target cannot be read. The incident closes by itself once a check reads it again.');
  for (const part of parts) lines.push('', ...describePart(part));
  if (run.malformed > 0) lines.push('', `${run.malformed} messages made no sense and were ignored; the last: ${run.lastProblem ?? ''}`);
  setCurrentDetails(lines.join('\n'));
}

function describePart(part: PartState): string[] {
  const state = part.outcome ?? MEANING[part.phase];
  const lines = [`### Part ${part.part}: ${state}`, '', `${part.changes} ${part.changes === 1 ? 'change' : 'changes'}, decided \`${part.decision}\`, risk ${part.risk}: ${prose(part.reason)} (${part.rules.join(', ')})`];
  const shut = part.gateNow.allowed ? undefined : part.gateNow.reason;
  if (part.note !== '' && part.note !== shut) lines.push('', `Now: ${prose(part.note)}`);
  if (!part.gateNow.allowed && part.phase !== 'closed') lines.push('', `Gate closed: ${prose(withPlan(gatesText(part.gateNow), part.plan))}`);
  if (part.since !== undefined && asks(part)) lines.push('', `Changed since it was asked before: ${prose(part.since)}`);
  if (part.requires !== undefined && asks(part)) lines.push('', `Who must approve: ${prose(part.requires)}`);
  if (part.approvals !== undefined && asks(part)) lines.push('', `Approvals: ${prose(part.approvals)}`);
  if (part.details !== '' && part.phase !== 'closed') lines.push('', part.details);
  lines.push(...howTo(part));
  return lines;
}

function asks({ phase }: PartState): boolean {
  return phase === 'awaiting-approval' || phase === 'observed';
}

function howTo(part: PartState): string[] {
  const plan = part.plan?.slice(0, 12);
  if (plan !== undefined && (part.phase === 'awaiting-approval' || (part.phase === 'observed' && part.impossible === undefined))) {
    const expires = part.askExpiresAt === undefined ? '' : `The question expires at ${part.askExpiresAt}.`;
    if (part.signing !== undefined) return ['', part.signing, ...(expires === '' ? [] : ['', expires])];
    return [...signal('To approve, send the signal `approve`', { by: 'your name', plan }), ...signal('To stop it, send the signal `reject`', { by: 'your name', reason: 'why', plan }), ...howToAdopt(part), ...(expires === '' ? [] : ['', expires])];
  }
  if (part.phase === 'observed' || part.phase === 'awaiting-approval') return howToAdopt(part);
  const undoable: readonly Phase[] = ['waiting', 'staging', 'validating', 'finalizing', 'kept', 'verifying', 'soaking'];
  if (undoable.includes(part.phase)) return [...stepNote(part), ...signal('To stop and undo it, cancel this workflow or send the signal `rollback`', { by: 'your name', reason: 'why' })];
  return part.outcome === 'fixed' ? ['', 'A closed repair is undone with `holdfast rollback`.'] : stepNote(part);
}

/** Once it is made, whoever takes it in says the rest. */
function howToAdopt(part: PartState): string[] {
  if (part.adoptable !== true || part.adopting !== undefined) return [];
  const plan = part.plan?.slice(0, 12);
  return signal('To make it the desired state, send the signal `adopt`', { by: 'your name', reason: 'why', ...(plan === undefined ? {} : { plan }) });
}

/** A step that is refused or finds nobody is tried again without an event, so that only the server knows why. */
function stepNote(part: PartState): string[] {
  const steps: readonly Phase[] = ['staging', 'validating', 'finalizing', 'verifying', 'rolling-back'];
  return steps.includes(part.phase) ? ['', 'If it does not get on, *Pending Activities* says why its step is tried again: a worker with `HOLDFAST_READ_ONLY`, a ledger or disk that takes nothing, an engine that does not answer, or no worker at all.'] : [];
}

/** Words of people and names of things, in which nothing acts as markup. */
function prose(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>#|&]/g, '\\$&');
}

/** On lines of their own, so that the payload can be copied whole. */
function signal(how: string, payload: Readonly<Record<string, string>>): string[] {
  return ['', `**${how}** with`, '', '```json', JSON.stringify(payload), '```'];
}

function phaseOf(run: IncidentRun): Phase {
  if (run.outcome !== undefined) return 'closed';
  if (run.parts.length === 0) return isBlind(run) ? 'observed' : run.ended.length === 0 ? 'deciding' : 'closed';
  return foremostPhase(run.parts.map((part) => part.phase));
}

function isBlind({ input, parts, ended, outcome }: IncidentRun): boolean {
  return input.kind === 'blind' && parts.length === 0 && ended.length === 0 && outcome === undefined;
}

/** Two upserts in the life of an incident: when it waits for a person, and at its end. */
export function tellSearchAttributes(run: IncidentRun): void {
  const risk = highestOf(run.parts.length > 0 ? run.parts : run.ended);
  upsertSearchAttributes(
    searchAttributes({ HoldfastPhase: phaseOf(run), ...(run.outcome === undefined ? {} : { HoldfastOutcome: run.outcome }), ...(risk === undefined ? {} : { HoldfastRisk: risk }) }),
  );
}

/** Lowest first, as in the rules, which workflow code does not hold. */
const RISKS: readonly PartState['risk'][] = ['low', 'medium', 'high', 'critical'];

function highestOf(parts: readonly Pick<PartState, 'risk'>[]): PartState['risk'] | undefined {
  return RISKS.findLast((risk) => parts.some((part) => part.risk === risk));
}

export function statusOf(run: IncidentRun): IncidentStatus {
  const phase = phaseOf(run);
  return {
    incident: formatIncident(run.input.incident),
    phase,
    ...(run.outcome === undefined ? {} : { outcome: run.outcome }),
    ...(isBlind(run) ? { waitsFor: `a check that reads it; nothing is repaired meanwhile: holdfast check ${formatAddress(run.input.incident)} --remote` } : {}),
    parts: [...run.ended, ...run.parts].map((part) => ({
      part: part.part,
      phase: part.phase,
      ...(part.outcome === undefined ? {} : { outcome: part.outcome }),
      decision: part.decision,
      risk: part.risk,
      ...(part.plan === undefined ? {} : { plan: part.plan }),
      ...(part.ask === undefined || part.outcome !== undefined ? {} : { ask: part.ask }),
      changes: part.changes,
      because: part.reason,
      rules: part.rules,
      waitsFor: waitsFor(formatIncident(run.input.incident), part),
      ...(part.outcome === undefined || part.note === '' ? {} : { reason: part.note }),
      ...(part.keepUntil === undefined ? {} : { keepUntil: part.keepUntil }),
      ...(part.askExpiresAt === undefined ? {} : { expiresAt: part.askExpiresAt }),
      ...(part.since === undefined ? {} : { since: part.since }),
      ...(part.decided?.breakGlass === undefined ? {} : { brokenBy: part.decided.brokenBy ?? part.decided.by }),
      ...(part.requires === undefined ? {} : { requires: part.requires }),
      ...(part.approvals === undefined ? {} : { approvals: part.approvals }),
    })),
  };
}
