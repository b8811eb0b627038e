import { withPlan } from '../../domain/gates/gate.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import type { Entry } from '../../ledger/ledger.js';
import { numberOf, textOf } from '../parts.js';
import { count } from './changes.js';
import { plain } from './escape.js';
import { shortHash } from './plan.js';
import { paintWord, type Style } from './style.js';

/** `2030-01-31 12:00:05  approved  alice  plan 3f9ac2d1…`: one entry of the record for a person. */
export function entryCells(entry: Entry, style: Style): readonly string[] {
  return [formatTime(entry.at), paintWord(entry.kind, style), plain(entry.by ?? 'holdfast'), plain(entryText(entry))];
}

export function formatTime(iso: string): string {
  return plain(iso.slice(0, 19).replace('T', ' '));
}

/** How many places are named before the rest is counted. */
const NAMED = 3;

/** What an entry says, in a line, not yet escaped. What its writer did not leave is left out. */
export function entryText({ kind, data }: Pick<Entry, 'kind' | 'data'>): string {
  const plan = textOf(data, 'plan');
  const about = plan === undefined ? undefined : `plan ${shortHash(plan)}`;
  const reason = textOf(data, 'reason');
  switch (kind) {
    case 'drift':
      return said([places(data['named']) ?? count(numberOf(data, 'changes') ?? 0, 'change')]);
    case 'clean':
      return 'as desired';
    case 'opened':
      return openedText(data);
    case 'assessed':
      return said([assessedText(data), about]);
    case 'asked':
      return said([textOf(data, 'kind') === 'policy' ? 'the rules allow' : 'a person is asked about', about, until(data, 'expiresAt')], ' ');
    case 'approved':
    case 'rejected':
    case 'accepted':
      return `${said([textOf(data, 'event'), about ?? place(data), until(data, 'until'), textOf(data, 'ticket'), reason])}${proofText(data)}${isJsonObject(data['breakGlass']) ? ' (break-glass)' : ''}`;
    case 'voted':
      return `${said([about, 'more are needed', reason])}${proofText(data)}`;
    case 'escalated':
      return said([about, `nobody answered in time: ${textOf(data, 'to') ?? ''} may approve too`]);
    case 'decided':
      if (textOf(data, 'kind') === 'policy') return said(['the rules allow', about], ' ');
      return said([textOf(data, 'decision') === 'policy' ? 'allowed' : textOf(data, 'decision'), textOf(data, 'rule'), Array.isArray(data['fields']) ? listed(data['fields'].filter((field) => typeof field === 'string')) : undefined, reason]);
    case 'gate':
      return said([`${textOf(data, 'gate') ?? ''} of ${textOf(data, 'scope') ?? ''} ${textOf(data, 'event') ?? ''}`, place(data), until(data, 'until'), reason]);
    case 'staged':
      return said([about, textOf(data, 'staging'), counted(data, 'artifacts', 'artifact')]);
    case 'validated':
      return said([textOf(data, 'of'), textOf(data, 'verdict')], ': ');
    case 'finalized':
      return said([Array.isArray(data['fields']) ? listed(data['fields'].filter((field) => typeof field === 'string')) : about]);
    case 'adopted':
      return said([textOf(data, 'what'), textOf(data, 'branch') ?? (textOf(data, 'to') === 'patch' ? 'as a patch' : textOf(data, 'folder')), reason]);
    case 'closed':
      return said([textOf(data, 'outcome')]);
    case 'settled':
      return textOf(data, 'event') === 'lapsed' ? otherText(data) : said([textOf(data, 'outcome'), place(data), until(data, 'until'), reason]);
    case 'message':
      return said([`${textOf(data, 'event') ?? 'a message'} to ${textOf(data, 'sink') ?? 'a sink'}`, data['delivered'] === true ? 'delivered' : textOf(data, 'error')]);
    default:
      return otherText(data);
  }
}

/** `hold (would: remediate), configuration 2`. */
function assessedText(data: JsonObject): string {
  const classes = isJsonObject(data['classes']) ? Object.entries(data['classes']).flatMap(([of, number]) => (typeof number === 'number' ? [`${of} ${number}`] : [])) : [];
  const would = textOf(data, 'would');
  return said([`${textOf(data, 'decision') ?? ''}${would === undefined ? '' : ` (would: ${would})`}`, ...classes, withPlan(textOf(data, 'waits') ?? '', textOf(data, 'plan'))]);
}

function proofText(data: JsonObject): string {
  const key = textOf(data, 'key');
  if (key !== undefined) return ` (signed with ${key})`;
  return data['verified'] === false ? ' (unverified)' : '';
}

function openedText(data: JsonObject): string {
  const undoes = numberOf(data, 'undoes');
  if (undoes !== undefined) return `to undo #${undoes}`;
  return textOf(data, 'kind') === 'blind' ? 'it cannot be read' : 'drift was found';
}

/** An entry of a kind that says nothing more here: its sentence, or its small members. */
function otherText(data: JsonObject): string {
  const sentence = textOf(data, 'message') ?? textOf(data, 'reason');
  if (sentence !== undefined) return sentence;
  return said(Object.entries(data).map(([name, value]) => memberText(name, value)).slice(0, 6));
}

/** Lists and objects are left to `-o json`; digests are cut. */
function memberText(name: string, value: Json | undefined): string | undefined {
  if (typeof value === 'string') return `${name} ${/^[0-9a-f]{64}$/.test(value) ? shortHash(value) : value.slice(0, 80)}`;
  return typeof value === 'number' || typeof value === 'boolean' ? `${name} ${String(value)}` : undefined;
}

function places(named: Json | undefined): string | undefined {
  if (!Array.isArray(named)) return undefined;
  const found = named.flatMap((each: unknown) => (isJsonObject(each) && typeof each['resource'] === 'string' ? [`${each['resource']} ${typeof each['path'] === 'string' ? each['path'] : ''}`.trim()] : []));
  return found.length === 0 ? undefined : listed(found);
}

function listed(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function place(data: JsonObject): string | undefined {
  const resource = textOf(data, 'resource');
  return resource === undefined ? undefined : `${resource} ${textOf(data, 'path') ?? ''}`.trim();
}

function until(data: JsonObject, name: string): string | undefined {
  const at = textOf(data, name);
  return at === undefined ? undefined : `until ${formatTime(at)}`;
}

function counted(data: JsonObject, name: string, noun: string): string | undefined {
  const number = numberOf(data, name);
  return number === undefined ? undefined : count(number, noun);
}

function said(parts: readonly (string | undefined)[], between = ', '): string {
  const kept = parts.filter((part) => part !== undefined && part !== '');
  return kept.length === 0 ? '-' : kept.join(between);
}
