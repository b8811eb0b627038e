import type { ASTNode } from '@marcbachmann/cel-js';
import { LINEAR_MATCH, LOOPS } from './bounds.js';
import type { ConditionProblem } from './condition.js';
import { childrenOf, memberOf, type Reading } from './literals.js';

/** What a part of a condition always is, and the place and the reason that make it so. */
interface Always {
  readonly is: boolean;
  readonly at: ASTNode;
  readonly why: string;
}

/**
 * What looks at nothing is the same for every change, and is asked now: what fails would fail each time,
 * and a rule that holds for no change would be silent for ever. One that holds for every change is fine.
 */
export function constantProblem(ast: ASTNode, reading: Reading): ConditionProblem | undefined {
  const failing = failure(ast, reading, new Set());
  if (failing !== undefined) return failing;
  const always = alwaysOf(ast, reading);
  if (always === undefined || always.is) return undefined;
  return { offset: always.at.start, message: `the condition never holds: ${always.why}`, remedy: 'write the condition that is meant, or remove the rule; one on trial has shadow: true' };
}

function failure(node: ASTNode, reading: Reading, loops: ReadonlySet<string>): ConditionProblem | undefined {
  if (node.op === 'value') return undefined;
  if (looksAtNothing(node, reading, loops)) {
    const outcome = valueOf(node, reading);
    if (!('failed' in outcome)) return undefined;
    return { offset: node.start, message: `this always fails: ${outcome.failed}`, remedy: 'write what is meant: it is the same for every change' };
  }
  const [variable] = node.op === 'rcall' && LOOPS.includes(node.args[0]) ? node.args[2] : [];
  const within = variable?.op === 'id' ? new Set([...loops, variable.args]) : loops;
  for (const child of childrenOf(node.args)) {
    const problem = failure(child, reading, within);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** No variable of the input, nor of a loop around it, stands in it. A pattern is looked at elsewhere. */
function looksAtNothing(node: ASTNode, reading: Reading, loops: ReadonlySet<string>): boolean {
  if (node.op === 'id') return !loops.has(node.args) && !Object.hasOwn(reading.input, node.args);
  if (node.op !== 'rcall') return childrenOf(node.args).every((child) => looksAtNothing(child, reading, loops));
  const [name, receiver, args] = node.args;
  const [variable] = args;
  if (name === LINEAR_MATCH || !looksAtNothing(receiver, reading, loops)) return false;
  if (!LOOPS.includes(name) || variable?.op !== 'id' || loops.has(variable.args)) return args.every((each) => looksAtNothing(each, reading, loops));
  const rest = { ...reading, input: Object.fromEntries(Object.entries(reading.input).filter(([known]) => known !== variable.args)) };
  return args.slice(1).every((body) => looksAtNothing(body, rest, loops));
}

/** Fails where the expression does; what cannot be told is neither. */
function valueOf(node: ASTNode, { evaluate }: Reading): { readonly value: unknown } | { readonly failed: string } | { readonly unsure: true } {
  try {
    return { value: evaluate(written(node)) };
  } catch (error) {
    const { name, summary } = error as { readonly name?: string; readonly summary?: string };
    return name === 'EvaluationError' && summary !== undefined ? { failed: summary.split('\n')[0] ?? '' } : { unsure: true };
  }
}

function alwaysOf(node: ASTNode, reading: Reading): Always | undefined {
  if (looksAtNothing(node, reading, new Set())) {
    const outcome = valueOf(node, reading);
    const value = 'value' in outcome ? outcome.value : undefined;
    return typeof value === 'boolean' ? { is: value, at: node, why: node.op === 'value' ? `it is ${value}` : `${written(node).replace(/^\((.*)\)$/s, '$1').slice(0, 100)} is ${value}` } : undefined;
  }
  if (node.op === '&&' || node.op === '||') {
    const deciding = node.op === '||';
    const sides = node.args.map((side) => alwaysOf(side, reading));
    const known = sides.find((side) => side?.is === deciding);
    if (known !== undefined) return known;
    if (sides.every((side) => side !== undefined)) return sides[0];
    return deciding ? undefined : contradiction(node, reading);
  }
  if (node.op === 'in' && node.args[1].op === 'list' && node.args[1].args.length === 0) return { is: false, at: node.args[1], why: 'nothing is in an empty list' };
  if (node.op !== '!_') return undefined;
  const inner = alwaysOf(node.args, reading);
  return inner === undefined ? undefined : { ...inner, is: !inner.is };
}

/** One member that would have to be two words at once. */
function contradiction(node: ASTNode, { input }: Reading): Always | undefined {
  const left = new Map<string, readonly string[]>();
  for (const side of sidesOf(node)) {
    const [member, other] = side.op === '==' || side.op === 'in' ? side.args : [];
    const name = member === undefined ? undefined : memberOf(member, input)?.name;
    const words = other === undefined || name === undefined ? undefined : wordsOf(other);
    if (name === undefined || words === undefined) continue;
    const before = left.get(name) ?? words;
    const both = words.filter((word) => before.includes(word));
    if (both.length === 0) return { is: false, at: side, why: `${name} is not ${[...before, ...words].slice(0, 4).map((word) => JSON.stringify(word)).join(' and ')} at once` };
    left.set(name, both);
  }
  return undefined;
}

function sidesOf(node: ASTNode): readonly ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(sidesOf) : [node];
}

/** Texts that are written out; `undefined` where one is made on the way. */
function wordsOf(node: ASTNode): readonly string[] | undefined {
  const nodes = node.op === 'list' ? node.args : [node];
  const words = nodes.flatMap((each) => (each.op === 'value' && typeof each.args === 'string' ? [each.args] : []));
  return words.length === 0 || words.length < nodes.length ? undefined : words;
}

/** An expression as text again, with every pair of parentheses that it could need. */
function written(node: ASTNode): string {
  switch (node.op) {
    case 'value':
      return node.input.slice(node.start, node.end);
    case 'id':
      return node.args;
    case '!_':
      return `!${written(node.args)}`;
    case '-_':
      return `-(${written(node.args)})`;
    case '.':
    case '.?':
      return `${written(node.args[0])}${node.op}${node.args[1]}`;
    case '[]':
      return `${written(node.args[0])}[${written(node.args[1])}]`;
    case '[?]':
      return `${written(node.args[0])}[?${written(node.args[1])}]`;
    case 'call':
      return `${node.args[0]}(${node.args[1].map(written).join(', ')})`;
    case 'rcall':
      return `${written(node.args[1])}.${node.args[0]}(${node.args[2].map(written).join(', ')})`;
    case 'list':
      return `[${node.args.map(written).join(', ')}]`;
    case 'map':
      return `{${node.args.map(([key, value]) => `${written(key)}: ${written(value)}`).join(', ')}}`;
    case '?:':
      return `(${written(node.args[0])} ? ${written(node.args[1])} : ${written(node.args[2])})`;
    default:
      return `(${written(node.args[0])} ${node.op} ${written(node.args[1])})`;
  }
}
