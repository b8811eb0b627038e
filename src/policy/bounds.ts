import type { ASTNode } from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import { compilePattern } from '../system/pattern.js';
import type { ConditionProblem, Input } from './condition.js';
import { childrenOf } from './literals.js';

const DEEPEST_LOOP = 3;
/** Each may be compared as a whole with every item of a loop. */
const MOST_WHOLES = 4;
/** They go over a list, and name its item first. */
export const LOOPS: readonly string[] = ['all', 'exists', 'exists_one', 'map', 'filter'];
const PLAIN: readonly string[] = ['size', 'int', 'double', 'string', 'bool', 'has', 'timestamp', 'duration', 'type', 'dyn'];
const TIMES = ['getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getFullYear', 'getHours', 'getMilliseconds', 'getMinutes', 'getMonth', 'getSeconds'];
const METHODS: readonly string[] = ['size', 'startsWith', 'endsWith', 'contains', 'matches', 'lowerAscii', 'upperAscii', 'trim', 'indexOf', 'lastIndexOf', 'substring', ...LOOPS, ...TIMES];
/** Under this name `matches` runs in linear time; the library's own does not. */
export const LINEAR_MATCH = 'linearMatch';

/** The functions and methods that conditions may use, for the documentation. */
export const FUNCTIONS = { functions: PLAIN, methods: METHODS } as const;

export interface Bounding {
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
export function boundsProblem(node: ASTNode, ctx: Bounding): ConditionProblem | undefined {
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
export function wholesProblem(ast: ASTNode, input: Input): ConditionProblem | undefined {
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
