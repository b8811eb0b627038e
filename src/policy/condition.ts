import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import type { Json } from '../domain/json.js';
import { compilePattern, isFoundIn } from '../system/pattern.js';
import { childrenOf, literalProblem } from './literals.js';

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

export interface Condition {
  readonly text: string;
  /** What it looks at, sorted: `change.path`, `risk`. */
  readonly reads: readonly string[];
  /** Values of which it needs one to hold, where it compares so at its top: `change.type` to `[file]`. */
  readonly needs: Readonly<Record<string, readonly string[]>>;
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
/** A value with more parts or characters than this is not looked at: the condition fails. */
const MOST_PARTS = 1_000;
const MOST_CHARACTERS = 64 * 1024;
const DEEPEST_LOOP = 3;
/** Each may be compared as a whole with every item of a loop. */
const MOST_WHOLES = 4;
const LOOPS: readonly string[] = ['all', 'exists', 'exists_one', 'map', 'filter'];
const PLAIN: readonly string[] = ['size', 'int', 'double', 'string', 'bool', 'has', 'timestamp', 'duration', 'type', 'dyn'];
const TIMES = ['getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getFullYear', 'getHours', 'getMilliseconds', 'getMinutes', 'getMonth', 'getSeconds'];
const METHODS: readonly string[] = ['size', 'startsWith', 'endsWith', 'contains', 'matches', 'lowerAscii', 'upperAscii', 'trim', 'indexOf', 'lastIndexOf', 'substring', ...LOOPS, ...TIMES];
/** Under this name `matches` runs in linear time; the library's own does not. */
const LINEAR_MATCH = 'linearMatch';

/** The functions and methods that conditions may use, for the documentation. */
export const FUNCTIONS = { functions: PLAIN, methods: METHODS } as const;

/** Prepares an input for conditions: what they name is checked against it. */
export function createVocabulary(input: Input): Vocabulary {
  const environment = new Environment({ limits: LIMITS, homogeneousAggregateLiterals: false });
  const patterns = new Map<string, RE2JS>();
  environment.registerFunction(`string.${LINEAR_MATCH}(string): bool`, (text: string, pattern: string) => isFoundIn(text, patterns.get(pattern)));
  const groups = new Map<string, new (raw: Readonly<Record<string, Json | undefined>>) => object>();
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
    const never = literalProblem(parsed.ast, { input, evaluate: (expression): unknown => environment.evaluate(expression) });
    if (never !== undefined) return never;
    if (type !== 'bool') return { offset: 0, message: `gives ${type ?? 'no value'}, not true or false`, remedy: 'compare it with something, as in change.path == "/port"' };
    return { text, reads: [...reads].sort(), needs: Object.fromEntries(needsOf(parsed.ast)), ask: (facts) => answerOf(parsed, facts) };
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

interface Bounding {
  readonly input: Input;
  readonly patterns: Map<string, RE2JS>;
  readonly depth: number;
  /** The variable of the innermost loop. */
  readonly loop?: string;
}

/**
 * A loop runs over what the input holds, and a loop in a loop over a part of the outer one's item:
 * so all of them together take no more turns than the values have parts, times the loops written.
 */
function boundsProblem(node: ASTNode, ctx: Bounding): ConditionProblem | undefined {
  if (node.op === 'call' && !PLAIN.includes(node.args[0])) return unknownFunction(node.start, node.args[0], PLAIN);
  if (node.op !== 'rcall') return firstProblem(childrenOf(node.args), ctx);
  const [name, receiver, args] = node.args;
  const named = receiver.end + 1;
  if (!METHODS.includes(name)) return unknownFunction(named, name, METHODS);
  if (name === 'matches') return patternProblem(node, ctx) ?? boundsProblem(receiver, ctx);
  if (!LOOPS.includes(name)) return firstProblem([receiver, ...args], ctx);
  const [variable, ...bodies] = args;
  if (variable?.op !== 'id') return { offset: named, message: `${name} needs the name of a variable first`, remedy: `write list.${name}(item, item == "x")` };
  const root = rangeRoot(receiver);
  const allowed = ctx.loop === undefined ? root !== undefined : root === ctx.loop;
  if (!allowed || ctx.depth >= DEEPEST_LOOP) {
    const message = ctx.loop === undefined ? `${name} loops over something made on the way` : `this loop inside a loop does not go over a part of ${ctx.loop}`;
    return { offset: receiver.start, message, remedy: ctx.loop === undefined ? 'loop over a list of the input, such as change.desired' : `loop over a list in it, such as ${ctx.loop}.items, or write two rules` };
  }
  return boundsProblem(receiver, ctx) ?? firstProblem(bodies, { ...ctx, depth: ctx.depth + 1, loop: variable.args });
}

/** Inside a loop a whole value of the input is looked at in each turn: a few of those are bearable, and many are not. */
function wholesProblem(ast: ASTNode, input: Input): ConditionProblem | undefined {
  const members = new Set(Object.values(input).flatMap((entry) => ('type' in entry ? [] : Object.entries(entry.fields).flatMap(([name, { type }]) => (type === 'dyn' ? [name] : [])))));
  const found: ASTNode[] = [];
  const visit = (node: ASTNode, loops: readonly string[]): void => {
    if (node.op === 'rcall' && LOOPS.includes(node.args[0])) {
      const [, receiver, [variable, ...bodies]] = node.args;
      visit(receiver, loops);
      for (const body of bodies) visit(body, [...loops, variable?.op === 'id' ? variable.args : '']);
      return;
    }
    if (loops.length > 0 && (node.op === '.' || node.op === '[]')) {
      const [owner, member] = node.args;
      const name = typeof member === 'string' ? member : member.op === 'value' ? member.args : undefined;
      if (typeof name === 'string' && members.has(name) && !loops.includes(rangeRoot(owner) ?? '')) found.push(node);
    }
    for (const child of childrenOf(node.args)) visit(child, loops);
  };
  visit(ast, []);
  const [over] = found.slice(MOST_WHOLES);
  return over === undefined ? undefined : { offset: over.start, message: `loops look at whole values of the input more than ${MOST_WHOLES} times`, remedy: 'compare outside the loop, or split it into several rules' };
}

function firstProblem(nodes: readonly ASTNode[], ctx: Bounding): ConditionProblem | undefined {
  for (const node of nodes) {
    const problem = boundsProblem(node, ctx);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** What a loop goes over: the variable its items come from; `[]` for a list that is written out. */
function rangeRoot(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op === '.' || node.op === '[]') return rangeRoot(node.args[0]);
  if (node.op === 'rcall' && node.args[0] === 'filter') return rangeRoot(node.args[1]);
  return node.op === 'list' ? '[]' : undefined;
}

function patternProblem(node: ASTNode & { readonly op: 'rcall' }, { patterns }: Bounding): ConditionProblem | undefined {
  const [pattern] = node.args[2];
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string') return { offset: node.args[1].end + 1, message: 'matches needs its pattern written out', remedy: 'write .matches("^pattern$") with the pattern in quotes' };
  const compiled = compilePattern(pattern.args);
  if ('message' in compiled) return { offset: pattern.start, ...compiled };
  patterns.set(pattern.args, compiled);
  node.args[0] = LINEAR_MATCH;
  return undefined;
}

function unknownFunction(offset: number, name: string, known: readonly string[]): ConditionProblem {
  return { offset, message: `there is no function ${JSON.stringify(name)}`, remedy: 'docs/policy.md lists the functions', meant: { word: name, known } };
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

/** Fields are converted when a condition reads them: most read few. */
function groupClass(fields: Readonly<Record<string, Field>>): new (raw: Readonly<Record<string, Json | undefined>>) => object {
  class Group {
    readonly #raw: Readonly<Record<string, Json | undefined>>;
    constructor(raw: Readonly<Record<string, Json | undefined>>) {
      this.#raw = raw;
    }
    readonly #ready = new Map<string, unknown>();
    /** Made ready once, however often a loop reads it. */
    static read(group: Group, name: string, type: FieldType): unknown {
      if (!group.#ready.has(name)) group.#ready.set(name, converted(type, group.#raw[name]));
      return group.#ready.get(name);
    }
  }
  for (const [name, { type }] of Object.entries(fields)) {
    Object.defineProperty(Group.prototype, name, { enumerable: true, get(this: Group) { return Group.read(this, name, type); } });
  }
  return Group;
}

function factOf(entry: Input[string] | undefined, group: (new (raw: Readonly<Record<string, Json | undefined>>) => object) | undefined, value: Values[string]): unknown {
  if (group !== undefined) return new group(value as Readonly<Record<string, Json | undefined>>);
  return entry !== undefined && 'type' in entry ? converted(entry.type, value) : value;
}

const durations = new Environment();
const durationOf = durations.registerVariable('text', 'string').parse('duration(text)');

function converted(type: FieldType, value: Json | undefined): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : '';
    case 'int':
      return BigInt(typeof value === 'number' ? Math.trunc(value) : 0);
    case 'bool':
      return value === true;
    case 'timestamp':
      return new Date(typeof value === 'string' ? value : 0);
    case 'duration':
      return durationOf({ text: `${String(typeof value === 'number' ? Math.trunc(value) : 0)}ms` });
    case 'list<string>':
      return Array.isArray(value) ? value : [];
    case 'dyn':
      return bounded(value);
    default:
      return type satisfies never;
  }
}

function bounded(value: Json | undefined): Json {
  if (value === undefined) return null;
  if (typeof value === 'string' ? value.length > MOST_CHARACTERS : partsOf(value, { parts: 0, characters: 0 })) throw new RangeError('the value is too large for rules to look at');
  return value;
}

/** Whether there is more in it than rules look at. */
function partsOf(value: Json | undefined, seen: { parts: number; characters: number }): boolean {
  seen.parts += 1;
  if (typeof value === 'string') seen.characters += value.length;
  if (seen.parts > MOST_PARTS || seen.characters > MOST_CHARACTERS) return true;
  return typeof value === 'object' && value !== null && Object.entries(value).some(([key, each]) => {
    seen.characters += key.length;
    return partsOf(each, seen);
  });
}

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
  return { offset, message: `cannot be understood: ${plainFact(summary)}`, remedy: 'write a CEL expression, such as change.type == "file" && change.path == "@mode"; docs/policy.md explains' };
}

function detailsOf(error: unknown): { readonly code: string; readonly summary: string; readonly start: number } {
  const { code, summary, message, range } = error as { code?: string; summary?: string; message?: string; range?: { start: number } };
  return { code: code ?? '', summary: summary ?? message ?? '', start: range?.start ?? 0 };
}

/** The library quotes what it met: one line, with our own name for its functions. */
function plainFact(summary: string): string {
  return (summary.split('\n')[0] ?? '').replaceAll(LINEAR_MATCH, 'matches').replaceAll('google.protobuf.', '').replace(/\bEOF\b/, 'the end').replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').slice(0, 200);
}
