import ts from 'typescript';
import { visit, type Module } from './modules.js';

const GLOBALS: ReadonlySet<string> = new Set([
  'process', 'performance', 'crypto', 'globalThis', 'fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'console', 'Buffer', 'require',
]);

/** Where a pure module reads a clock, chance, the process or the network, as `file:line what`. */
export function impurities(module: Module): readonly string[] {
  const found: string[] = [];
  visit(module.source, (node) => {
    const what = impurityOf(node);
    if (what !== undefined) found.push(`${module.file}:${String(module.source.getLineAndCharacterOfPosition(node.getStart()).line + 1)} ${what}`);
  });
  return found;
}

function impurityOf(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node) && ['Date.now', 'Math.random'].includes(node.getText())) return node.getText();
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) return 'new Date()';
  if (ts.isCallExpression(node) && node.expression.getText() === 'Date') return 'Date()';
  if (ts.isIdentifier(node) && GLOBALS.has(node.text) && !isName(node)) return node.text;
  return undefined;
}

/** The name of a property, a member or a declaration is not the global of that name. */
function isName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return (
    ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isParameter(parent) || ts.isVariableDeclaration(parent) ||
    ts.isBindingElement(parent) || ts.isShorthandPropertyAssignment(parent) || ts.isTypeReferenceNode(parent)
  );
}
