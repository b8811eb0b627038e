import type { Change } from './change.js';
import { intentLines, type Intent } from './deciding/intent.js';
import type { Json } from './json.js';
import { oneLine } from './plain-text.js';
import type { Plan } from './plan.js';

/** How many changes and steps a picture names before it only counts. */
const NAMED = 20;
const VALUE = 120;

/** Markdown: what drifted, one line a change; names are untrusted and set as code. */
export function driftMarkdown(changes: readonly Change[], skipped: number): string {
  const lines = changes.slice(0, NAMED).map((change) => `- ${changeMarkdown(change)}`);
  if (changes.length > NAMED) lines.push(`- and ${changes.length - NAMED} more`);
  if (skipped > 0) lines.push('', `${skipped} left out of the comparison.`);
  return lines.join('\n');
}

function changeMarkdown(change: Change): string {
  const place = change.path === '' ? code(change.resource) : `${code(change.resource)} ${code(change.path)}`;
  if (change.kind === 'missing') return `${place} is missing`;
  if (change.kind === 'unmanaged') return `${place} is there and nobody asked for it`;
  if (change.sensitive) return `${place} differs (sensitive)`;
  if (change.path === '@content') return `${place} differs`;
  return `${place} is ${value(change.actual)}, should be ${value(change.desired)}`;
}

/** Markdown: the repair step by step, with what makes it safe and its hash. */
export function planMarkdown(plan: Plan): string {
  const { create, update, replace, delete: remove } = plan.blastRadius;
  const steps = plan.steps.slice(0, NAMED).map((step, index) => `${index + 1}. ${prose(step.summary)}`);
  if (plan.steps.length > NAMED) steps.push(`and ${plan.steps.length - NAMED} more steps`);
  return [
    `Plan ${code(plan.hash.slice(0, 12))}: ${create} create, ${update} update, ${replace} replace, ${remove} delete; staged as ${plan.staging}, rollback ${plan.rollback}`,
    '',
    ...steps,
  ].join('\n');
}

/** Markdown: what the target is for, and where to read on, as a paragraph of one line each. */
export function intentMarkdown(intent: Intent | undefined): readonly string[] {
  const lines = intentLines(intent).map(escaped);
  return lines.length === 0 ? [] : [lines.join('  \n')];
}

/** One line for a list or a message: `etc/app.yaml /port, etc/limits.json and 3 more`. */
export function changesInBrief(changes: readonly Pick<Change, 'resource' | 'path'>[]): string {
  const names = changes.slice(0, 3).map((change) => inline(`${change.resource}${change.path === '' ? '' : ` ${change.path}`}`));
  const more = changes.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function value(json: Json | undefined): string {
  return json === undefined ? 'absent' : code(JSON.stringify(json));
}

function code(text: string): string {
  return `\`${inline(text).replaceAll('`', "'")}\``;
}

/** Words of a provider, with untrusted names in them: nothing in them acts as markup. */
function prose(text: string): string {
  return escaped(inline(text));
}

function escaped(text: string): string {
  return text.replace(/[\\`[\]<>&]/g, '\\$&');
}

function inline(text: string): string {
  return oneLine(text, VALUE);
}
