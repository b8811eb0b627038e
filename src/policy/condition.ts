import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import type { Json } from '../domain/json.js';
import { isFoundIn } from '../system/pattern.js';
import { boundsProblem, LINEAR_MATCH, wholesProblem } from './bounds.js';
import { factOf, type Group, groupClass } from './fact-values.js';
import { constantProblem } from './constants.js';
import { childrenOf, comparedIn, literalProblem } from './literals.js';

/** CEL's own names. `dyn` is any JSON value; what is absent is `null` there and empty elsewhere. */
export type FieldType = 'string' | 'int' | 'bool' | 'timestamp' | 'duration' | 'list<string>' | 'dyn';

export interface Field {
  readonly type: FieldType;
  readonly meaning: string;
  /** All that a text may be. */
  readonly words?: readonly string[];
  /** The least and the most that a number may be. */
  readonly range?: readonly [number, number];
}

/** What conditions may look at: variables, each a value or a group of fields. */
export type Input = Readonly<Record<string, Field | { readonly meaning: string; readonly fields: Readonly<Record<string, Field>> }>>;

/** Values for an `Input`: durations in milliseconds, timestamps in ISO, UTC. A variable that is left out is not known yet. */
export type Values = Readonly<Record<string, Readonly<Record<string, Json | undefined>> | string | number | boolean>>;

/** Values made ready once, for any number of conditions. */
export type Facts = Readonly<Record<string, unknown>>;

/** What is wrong with a condition, `offset` characters into it. */
export interface ConditionProblem {
  readonly offset: number;
  readonly message: string;
  readonly remedy: string;
  /** What was written, and what could have been meant. */
  readonly meant?: { readonly word: string; readonly known: readonly string[] };
}

/** Why a condition gave no answer: `unknown` for want of a variable that is not known yet, otherwise it failed. */
export interface NoAnswer {
  readonly unknown: boolean;
  readonly reason: string;
}

/** A text member whose words are not known here, and the words that it is compared with. */
export interface Compared {
  /** `environment.name`. */
  readonly name: string;
  /** `offset`: characters into the condition. */
  readonly words: readonly { readonly text: string; readonly offset: number }[];
}

export interface Condition {
  readonly text: string;
  /** What it looks at, sorted: `change.path`, `risk`. */
  readonly reads: readonly string[];
  /** Values of which it needs one to hold, where it compares so at its top: `change.type` to `[file]`. */
  readonly needs: Readonly<Record<string, readonly string[]>>;
  /** Each comparison of a name with `==`, `!=` or `in`, so that it can be compared with the names that there are. */
  readonly compared: readonly Compared[];
  /** Never throws, and takes time bounded by its own length and that of the values. */
  readonly ask: (facts: Facts) => boolean | NoAnswer;
}

export interface Vocabulary {
  readonly input: Input;
  readonly facts: (values: Values) => Facts;
  readonly compile: (text: string) => Condition | ConditionProblem;
}

export function isProblem(result: Condition | ConditionProblem): result is ConditionProblem {
  return 'message' in result;
}

const LIMITS = { maxAstNodes: 500, maxDepth: 40, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 4 } as const;
const LONGEST = 4_000;

/** Prepares an input for conditions: what they name is checked against it. */
export function createVocabulary(input: Input): Vocabulary {
  const environment = new Environment({ limits: LIMITS, homogeneousAggregateLiterals: false });
  const patterns = new Map<string, RE2JS>();
  environment.registerFunction(`string.${LINEAR_MATCH}(string): bool`, (text: string, pattern: string) => isFoundIn(text, patterns.get(pattern)));
  const groups = new Map<string, Group>();
  for (const [name, entry] of Object.entries(input)) {
    if ('type' in entry) {
      environment.registerVariable(name, celType(entry.type));
      continue;
    }
    const group = groupClass(entry.fields);
    groups.set(name, group);
    environment.registerType(name, { ctor: group, fields: Object.fromEntries(Object.entries(entry.fields).map(([field, { type }]) => [field, celType(type)])) });
    environment.registerVariable(name, name);
  }
  return {
    input,
    facts: (values) => {
      const facts: Record<string, unknown> = {};
      for (const name in values) if (values[name] !== undefined) facts[name] = factOf(input[name], groups.get(name), values[name]);
      return facts;
    },
    compile: (text) => compile(text, { environment, input, patterns }),
  };
}

interface Compiling {
  readonly environment: Environment;
  readonly input: Input;
  readonly patterns: Map<string, RE2JS>;
}

function compile(text: string, { environment, input, patterns }: Compiling): Condition | ConditionProblem {
  if (text.length > LONGEST) return { offset: 0, message: `is longer than ${LONGEST} characters`, remedy: 'split it into several rules' };
  try {
    const parsed = environment.parse(text);
    const problem = boundsProblem(parsed.ast, { input, patterns, depth: 0 }) ?? wholesProblem(parsed.ast, input);
    if (problem !== undefined) return problem;
    const reads = new Set<string>();
    readsOf(parsed.ast, input, reads);
    const { valid, type, error } = parsed.check();
    if (!valid) return describe(error, text, input);
    const reading = { input, evaluate: (expression: string): unknown => environment.evaluate(expression) };
    const never = literalProblem(parsed.ast, reading);
    if (never !== undefined) return never;
    if (type !== 'bool') return { offset: 0, message: `gives ${type ?? 'no value'}, not true or false`, remedy: 'compare it with something, as in change.path == "/port"' };
    const constant = constantProblem(parsed.ast, reading);
    if (constant !== undefined) return { ...constant, message: plainFact(constant.message) };
    return { text, reads: [...reads].sort(), needs: Object.fromEntries(needsOf(parsed.ast)), compared: comparedIn(parsed.ast, input), ask: (facts) => answerOf(parsed, facts) };
  } catch (error) {
    return describe(error, text, input);
  }
}

function answerOf(parsed: (facts: Facts) => unknown, facts: Facts): boolean | NoAnswer {
  try {
    const answer = parsed(facts);
    return typeof answer === 'boolean' ? answer : { unknown: false, reason: 'it gave neither true nor false' };
  } catch (error) {
    const { code, summary } = detailsOf(error);
    return { unknown: code === 'unknown_variable', reason: plainFact(summary).slice(0, 300) };
  }
}

function readsOf(node: ASTNode, input: Input, found: Set<string>): void {
  const [owner, member] = node.op === '.' ? node.args : node.op === '[]' ? [node.args[0], node.args[1].op === 'value' ? node.args[1].args : undefined] : [];
  if (owner?.op === 'id' && typeof member === 'string' && owner.args in input) {
    found.add(`${owner.args}.${member}`);
    return;
  }
  if (node.op === 'id' && node.args in input) found.add(node.args);
  for (const child of childrenOf(node.args)) readsOf(child, input, found);
}

/** Both sides of an `and` must hold; where one of them fails and the other does not hold, neither does the whole. */
function needsOf(node: ASTNode): readonly (readonly [string, readonly string[]])[] {
  if (node.op === '&&') return [...needsOf(node.args[1]), ...needsOf(node.args[0])];
  if (node.op !== '==' && node.op !== 'in') return [];
  const [left, right] = node.args;
  if (left.op !== '.' || left.args[0].op !== 'id') return [];
  const words = node.op === '==' ? [right] : right.op === 'list' ? right.args : [];
  const values = words.flatMap((each) => (each.op === 'value' && typeof each.args === 'string' ? [each.args] : []));
  return values.length === 0 || values.length < words.length ? [] : [[`${left.args[0].args}.${left.args[1]}`, values]];
}

function celType(type: FieldType): string {
  if (type === 'timestamp') return 'google.protobuf.Timestamp';
  return type === 'duration' ? 'google.protobuf.Duration' : type;
}

/** What other languages write, from two characters before the place of the mistake on. */
const SLIPS: readonly (readonly [RegExp, string])[] = [
  [/^.{0,2}[“”„‘’«»]/su, 'put text in straight quotes: "…"'],
  [/^.{0,2}\b(?:and|or|not)\b/s, 'write && for and, || for or, ! for not'],
  [/^.{0,2}(?<![=<>!])=(?!=)/s, 'write == to compare'],
];

function describe(error: unknown, text: string, input: Input): ConditionProblem {
  const { code, summary, start } = detailsOf(error);
  const offset = Math.min(start, text.length);
  const word = /^[A-Za-z_]\w*/.exec(text.slice(offset))?.[0] ?? '';
  if (code === 'unknown_variable') return { offset, message: `nothing is called ${JSON.stringify(word)} here`, remedy: 'docs/policy.md lists what conditions see', meant: { word, known: Object.keys(input) } };
  if (code === 'no_such_key') {
    const owner = /([A-Za-z_]\w*)\s*(?:\.|\[\s*["'])\s*$/.exec(text.slice(0, offset))?.[1] ?? '';
    const entry = input[owner];
    const known = entry === undefined || 'type' in entry ? [] : Object.keys(entry.fields);
    return { offset, message: `${owner === '' ? 'it' : owner} has no member ${JSON.stringify(word)}`, remedy: 'docs/policy.md lists the members', meant: { word, known } };
  }
  if (code === 'limit_exceeded') return { offset, message: 'the condition is too long or nested too deeply', remedy: 'split it into several rules' };
  if (code === 'no_such_overload') return { offset, message: `these types do not go together: ${plainFact(summary).replace(/^no such overload: /, '')}`, remedy: 'compare values of one type: text stands in quotes, numbers and true or false do not' };
  if (code === 'no_matching_overload') return { offset, message: `no function fits ${plainFact(summary).replace(/^.*? for /, '')}`, remedy: 'docs/policy.md lists the functions and what they take' };
  const slip = SLIPS.find(([written]) => written.test(text.slice(Math.max(0, offset - 2))));
  return { offset, message: `cannot be understood: ${plainFact(summary)}`, remedy: slip?.[1] ?? 'write a CEL expression, such as change.type == "file" && change.path == "@mode"; docs/policy.md explains' };
}

function detailsOf(error: unknown): { readonly code: string; readonly summary: string; readonly start: number } {
  const { code, summary, message, range } = error as { code?: string; summary?: string; message?: string; range?: { start: number } };
  return { code: code ?? '', summary: summary ?? message ?? '', start: range?.start ?? 0 };
}

/** The library quotes what it met: one line, with our own name for its functions. */
function plainFact(summary: string): string {
  return (summary.split('\n')[0] ?? '').replaceAll(LINEAR_MATCH, 'matches').replaceAll('google.protobuf.', '').replace(/\bEOF\b/, 'the end').replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').slice(0, 200);
}
