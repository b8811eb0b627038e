import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import ts from 'typescript';

export interface Import {
  /** As written: `../domain/plan.js`, `node:fs`, `zod`. */
  readonly specifier: string;
  /** For a file of the project, its path from `src`: `domain/plan.ts`. */
  readonly file?: string;
  /** Erased when compiled. */
  readonly typeOnly: boolean;
  /** `import()` at the time of use. */
  readonly lazy: boolean;
  readonly line: number;
}

export interface Module {
  /** From `src`: `domain/plan.ts`. */
  readonly file: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly source: ts.SourceFile;
}

export function readModules(root: string): readonly Module[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => parseModule(relative(root, join(root, file)), readFileSync(join(root, file), 'utf8')));
}

export function parseModule(file: string, text: string): Module {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const imports: Import[] = [];
  visit(source, (node) => {
    const found = importOf(node);
    if (found === undefined) return;
    const { specifier } = found;
    const own = specifier.startsWith('.') ? { file: posix.join(dirname(file), specifier).replace(/\.js$/, '.ts') } : {};
    imports.push({ ...found, ...own, line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1 });
  });
  return { file, lines: text.split('\n').length - 1, imports, source };
}

export function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => { visit(child, look); });
}

function importOf(node: ts.Node): { specifier: string; typeOnly: boolean; lazy: boolean } | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: isTypeOnly(node.importClause), lazy: false };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly, lazy: false };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, typeOnly: true, lazy: false };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    return argument !== undefined && ts.isStringLiteral(argument) ? { specifier: argument.text, typeOnly: false, lazy: true } : undefined;
  }
  return undefined;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { namedBindings } = clause;
  if (clause.name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly);
}
