import { isBuiltin } from 'node:module';
import type { Import, Module } from './modules.js';

/**
 * Who may import whom. Entries are folders (`domain`) or files (`workflows/messages.ts`) under
 * `src`; a folder may always import itself. `types` may be imported as types only. `packages` names
 * what may be loaded with the module, `lazy` what only `import()` or a type may name; `*` is any
 * package but Temporal's.
 */
interface Direction {
  readonly may: readonly string[];
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
  readonly lazy?: readonly string[];
  readonly builtins?: boolean;
}

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  domain: { may: [] },
  digest: { may: ['domain'], packages: ['canonicalize'], builtins: true },
  system: { may: ['domain'], packages: ['re2js'], builtins: true },
  trust: { may: ['domain', 'digest'], builtins: true },
  workflows: {
    may: ['domain/phase.ts', 'domain/message.ts', 'domain/address.ts', 'domain/gates/gate.ts'],
    types: ['domain', 'activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  activities: {
    may: ['domain', 'digest', 'system', 'trust', 'providers', 'health', 'policy', 'ledger', 'notify', 'config', 'client', 'workflows/messages.ts'],
    packages: ['@temporalio/activity', '@temporalio/common'],
    lazy: ['@temporalio/client'],
    builtins: true,
  },
  providers: { may: ['domain', 'digest', 'system'], packages: ['zod', 'picomatch'], lazy: ['*'], builtins: true },
  health: { may: ['domain', 'digest', 'system'], lazy: ['*'], builtins: true },
  policy: { may: ['domain', 'digest', 'system/pattern.ts', 'config/windows.ts', 'providers/glob.ts'], types: ['config', 'providers/provider.ts', 'ledger/ledger.ts'], packages: ['@marcbachmann/cel-js'], lazy: ['re2js'] },
  ledger: { may: ['domain', 'digest', 'system'], types: ['providers/provider.ts'], lazy: ['pg'], builtins: true },
  notify: { may: ['domain', 'digest', 'system'], types: ['config', 'ledger/ledger.ts'], builtins: true },
  config: { may: ['domain', 'digest', 'system', 'trust', 'providers', 'policy/condition.ts', 'policy/vocabulary.ts'], types: ['policy/rule.ts'], packages: ['zod', 'yaml', 'croner', 'picomatch'], builtins: true },
  codec: { may: ['domain'], packages: ['@temporalio/common'], builtins: true },
  client: { may: ['domain', 'codec', 'workflows/messages.ts'], packages: ['@temporalio/client', '@temporalio/common', '@temporalio/proto', '@temporalio/envconfig'], builtins: true },
  embedded: { may: ['domain', 'config', 'digest', 'system'], lazy: ['@temporalio/client', '@temporalio/common', '@temporalio/proto', '@temporalio/envconfig'], builtins: true },
  worker: { may: ['domain', 'activities', 'client', 'config'], types: ['ledger/ledger.ts', 'providers/provider.ts'], packages: ['@temporalio/worker'], builtins: true },
  cli: { may: ['client', 'domain', 'digest', 'system', 'trust', 'config', 'ledger', 'policy', 'workflows/messages.ts'], packages: ['commander'], lazy: ['*'], builtins: true },
};

/** Composition roots put everything together: the workers, and what the commands are given. */
export function isRoot(file: string): boolean {
  return file === 'worker.ts' || file === 'cli/compose.ts' || file.startsWith('cli/compose/');
}

export function violations(modules: readonly Module[]): readonly string[] {
  return modules.flatMap((module) => (isRoot(module.file) ? [] : module.imports.flatMap((each) => problemOf(module, each) ?? [])));
}

function problemOf(module: Module, each: Import): string | undefined {
  const folder = folderOf(module.file);
  const direction = DIRECTIONS[folder];
  const where = `${module.file}:${String(each.line)} imports ${each.specifier}`;
  if (direction === undefined) return `${where}: ${folder} is not in the table of directions`;
  if (each.file !== undefined) return mayImportFile(module.file, direction, { ...each, file: each.file }) ? undefined : `${where}: ${folder} may not`;
  if (isBuiltin(each.specifier)) return direction.builtins === true ? undefined : `${where}: ${folder} may use no module of Node`;
  return packageProblem(direction, each, where);
}

function mayImportFile(from: string, direction: Direction, each: Import & { readonly file: string }): boolean {
  const to = each.file;
  if (folderOf(from) === 'providers' && folderOf(to) === 'providers') return mayImportProvider(from, to);
  if (folderOf(from) === folderOf(to)) return true;
  const allowed = [...direction.may, ...(each.typeOnly ? (direction.types ?? []) : [])];
  return allowed.some((entry) => entry === to || entry === folderOf(to));
}

/** An engine's folder knows what all share and itself, but no other engine; only the register knows them all. */
function mayImportProvider(from: string, to: string): boolean {
  const [, engine = ''] = to.split('/');
  const isShared = engine.endsWith('.ts');
  return from === 'providers/index.ts' || (isShared && to !== 'providers/index.ts') || from.startsWith(`providers/${engine}/`);
}

function packageProblem(direction: Direction, each: Import, where: string): string | undefined {
  const name = packageOf(each.specifier);
  const isTemporal = name.startsWith('@temporalio/');
  if (matches(direction.packages ?? [], name, isTemporal)) return undefined;
  if (!matches(direction.lazy ?? [], name, isTemporal)) return `${where}: this package is not for this folder`;
  return each.lazy || each.typeOnly ? undefined : `${where}: load it lazily, with import()`;
}

function matches(allowed: readonly string[], name: string, isTemporal: boolean): boolean {
  return allowed.includes(name) || (allowed.includes('*') && !isTemporal);
}

function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

/** `client.ts` and a folder `client` are the same part of the house. */
function folderOf(file: string): string {
  return (file.split('/')[0] ?? file).replace(/\.ts$/, '');
}
