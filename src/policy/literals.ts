import type { ASTNode } from '@marcbachmann/cel-js';
import type { Compared, ConditionProblem, Field, Input } from './condition.js';

const COMPARED: readonly string[] = ['==', '!=', 'in'];
const ORDERED: readonly string[] = ['<', '<=', '>', '>='];
/** A comparison read from its other side. */
const MIRRORED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
/** What a moment can be asked for, and what it answers, from and to. */
const CLOCK: Readonly<Record<string, readonly [number, number]>> = {
  getMonth: [0, 11], getDate: [1, 31], getDayOfMonth: [0, 30], getDayOfWeek: [0, 6], getDayOfYear: [0, 365], getHours: [0, 23], getMinutes: [0, 59], getSeconds: [0, 59], getMilliseconds: [0, 999],
};
/** What makes a value of a text, and how such a text looks. */
const MADE_OF_TEXT: Readonly<Record<string, { readonly what: string; readonly remedy: string }>> = {
  duration: { what: 'a duration', remedy: 'write duration("24h"), with h, m, s or ms' },
  timestamp: { what: 'a time', remedy: 'write timestamp("2030-01-31T12:00:00Z")' },
  int: { what: 'a whole number', remedy: 'write the number without quotes' },
  double: { what: 'a number', remedy: 'write the number without quotes' },
};

export interface Reading {
  readonly input: Input;
  /** Evaluates an expression that names nothing; throws where it fails. */
  readonly evaluate: (expression: string) => unknown;
}

/**
 * What types do not tell and can never come true: a word that a member never has, words put in an
 * order that they do not have, a text that is no duration. Such a rule would be silent for ever.
 */
export function literalProblem(node: ASTNode, reading: Reading): ConditionProblem | undefined {
  const problem = ofComparison(node, reading.input) ?? ofPresence(node, reading.input) ?? ofText(node, reading.evaluate);
  if (problem !== undefined) return problem;
  for (const child of childrenOf(node.args)) {
    const deeper = literalProblem(child, { ...reading, input: seenBelow(node, reading.input) });
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

/** The text members that are compared with words written out, each comparison by itself. */
export function comparedIn(node: ASTNode, input: Input): readonly Compared[] {
  const deeper = childrenOf(node.args).flatMap((child) => comparedIn(child, seenBelow(node, input)));
  if (!COMPARED.includes(node.op)) return deeper;
  const sides = childrenOf(node.args);
  const member = sides.map((side) => memberOf(side, input)).find((each) => each?.field.type === 'string' && each.field.words === undefined);
  const words = sides.flatMap((side) => (side.op === 'list' ? side.args : [side])).flatMap((each) => (each.op === 'value' && typeof each.args === 'string' ? [{ text: each.args, offset: each.start }] : []));
  return member === undefined || words.length === 0 ? deeper : [{ name: member.name, words }, ...deeper];
}

/** The nodes right below, whatever the operator. */
export function childrenOf(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}

/** The variable of a loop hides what the input calls so. */
function seenBelow(node: ASTNode, input: Input): Input {
  const [variable] = node.op === 'rcall' ? node.args[2] : [];
  if (variable?.op !== 'id' || !Object.hasOwn(input, variable.args)) return input;
  return Object.fromEntries(Object.entries(input).filter(([name]) => name !== variable.args));
}

function ofComparison(node: ASTNode, input: Input): ConditionProblem | undefined {
  if (!COMPARED.includes(node.op) && !ORDERED.includes(node.op)) return undefined;
  const [left, right] = childrenOf(node.args);
  if (left === undefined || right === undefined) return undefined;
  const member = memberOf(left, input) ?? memberOf(right, input);
  if (member === undefined) return undefined;
  const { name, field } = member;
  const isFirst = memberOf(left, input) !== undefined;
  const others = (!isFirst ? [left] : node.op === 'in' && right.op === 'list' ? childrenOf(right.args) : [right]).filter(({ op }) => op === 'value' || op === '-_');
  if (field.words !== undefined && ORDERED.includes(node.op)) {
    return { offset: node.start, message: `${name} is a word, and words have no order but that of the alphabet`, remedy: `name those that are meant, as in ${name} in [${field.words.slice(-2).map((word) => JSON.stringify(word)).join(', ')}]` };
  }
  for (const other of others) {
    const problem = neverOf(other, name, field) ?? outOfRange(other, { name, field, op: isFirst ? node.op : (MIRRORED[node.op] ?? node.op) });
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function neverOf(other: ASTNode, name: string, { type, words }: Field): ConditionProblem | undefined {
  const value: unknown = other.args;
  if (type === 'string' && typeof value !== 'string') return { offset: other.start, message: `${name} is text, and this is none`, remedy: 'put text in quotes' };
  if (words !== undefined && typeof value === 'string' && !words.includes(value)) return { offset: other.start, message: `${name} is never ${JSON.stringify(value)}`, remedy: `write one of ${words.join(', ')}`, meant: { word: value, known: words } };
  return undefined;
}

interface Ranged {
  readonly name: string;
  readonly field: Field;
  /** As if the member stood on the left. */
  readonly op: string;
}

function outOfRange(other: ASTNode, { name, field: { range }, op }: Ranged): ConditionProblem | undefined {
  const number = numberOf(other);
  if (range === undefined || number === undefined) return undefined;
  const [least, most] = range;
  const isPossible = op === '<' ? number > least : op === '<=' ? number >= least : op === '>' ? number < most : op === '>=' ? number <= most : number >= least && number <= most;
  if (isPossible) return undefined;
  const than = ORDERED.includes(op) ? `${op} ${number}` : String(number);
  return { offset: other.start, message: `${name} is never ${than}`, remedy: most === Number.POSITIVE_INFINITY ? `it is ${least} or more` : `it is from ${least} to ${most}` };
}

function numberOf(node: ASTNode): number | undefined {
  if (node.op === '-_') {
    const number = numberOf(node.args);
    return number === undefined ? undefined : -number;
  }
  return node.op === 'value' && (typeof node.args === 'bigint' || typeof node.args === 'number') ? Number(node.args) : undefined;
}

/** `has` of what a group of the input never holds. */
function ofPresence(node: ASTNode, input: Input): ConditionProblem | undefined {
  if (node.op !== 'call' || node.args[0] !== 'has') return undefined;
  const [asked] = childrenOf(node.args);
  if (asked?.op !== '.' || asked.args[0].op !== 'id') return undefined;
  const [owner, member] = asked.args;
  const entry = Object.hasOwn(input, owner.args) ? input[owner.args] : undefined;
  if (entry === undefined || 'type' in entry || Object.hasOwn(entry.fields, member)) return undefined;
  return { offset: owner.end + 1, message: `${owner.args} has no member ${JSON.stringify(member)}`, remedy: 'docs/policy.md lists the members', meant: { word: member, known: Object.keys(entry.fields) } };
}

function ofText(node: ASTNode, evaluate: Reading['evaluate']): ConditionProblem | undefined {
  const text = childrenOf(node.args).find(({ op, args }) => op === 'value' && typeof args === 'string');
  if (text === undefined || typeof text.args !== 'string') return undefined;
  const written = text.args;
  if (node.op === 'call' && Object.hasOwn(MADE_OF_TEXT, node.args[0])) {
    const [name] = node.args;
    const made = MADE_OF_TEXT[name];
    return made === undefined || works(() => evaluate(`${name}(${JSON.stringify(written)})`)) ? undefined : { offset: text.start, message: `${JSON.stringify(written)} is not ${made.what}`, remedy: made.remedy };
  }
  if (node.op !== 'rcall' || !/^get[A-Z]/.test(node.args[0]) || works(() => new Intl.DateTimeFormat('en', { timeZone: written }))) return undefined;
  return { offset: text.start, message: `${JSON.stringify(written)} is not a time zone`, remedy: 'use an IANA name such as Europe/London or UTC' };
}

function works(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

/** What a node reads of the input: a variable, or a member of a group. */
export function memberOf(node: ASTNode, input: Input): { readonly name: string; readonly field: Field } | undefined {
  if (node.op === 'id') {
    const entry = Object.hasOwn(input, node.args) ? input[node.args] : undefined;
    return entry !== undefined && 'type' in entry ? { name: node.args, field: entry } : undefined;
  }
  if (node.op === 'rcall') return clockOf(node, input);
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [owner, key] = node.args;
  const member = typeof key === 'string' ? key : key.op === 'value' ? key.args : undefined;
  if (owner.op !== 'id' || typeof member !== 'string') return undefined;
  const entry = Object.hasOwn(input, owner.args) ? input[owner.args] : undefined;
  if (entry === undefined || 'type' in entry || !Object.hasOwn(entry.fields, member)) return undefined;
  const field = entry.fields[member];
  return field === undefined ? undefined : { name: `${owner.args}.${member}`, field };
}

/** `time.now.getMonth()`; of a duration the same names count without end. */
function clockOf({ args: [name, receiver] }: ASTNode & { readonly op: 'rcall' }, input: Input): { readonly name: string; readonly field: Field } | undefined {
  const range = Object.hasOwn(CLOCK, name) ? CLOCK[name] : undefined;
  const moment = range === undefined ? undefined : memberOf(receiver, input);
  return range === undefined || moment?.field.type !== 'timestamp' ? undefined : { name: `${moment.name}.${name}()`, field: { type: 'int', meaning: '', range } };
}
