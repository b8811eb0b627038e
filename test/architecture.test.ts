import { readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { isRoot, violations } from './architecture/directions.js';
import { parseModule, readModules, type Module } from './architecture/modules.js';
import { impurities } from './architecture/purity.js';

const SRC = join(import.meta.dirname, '..', 'src');
const modules = readModules(SRC);

describe('the house', () => {
  it('imports point one way', () => {
    expect(violations(modules)).toEqual([]);
  });

  it('nobody imports a composition root but the program and another root', () => {
    const importers = modules.filter(({ file }) => file !== 'cli/main.ts' && !isRoot(file));
    expect(importers.flatMap(({ file, imports }) => imports.filter((each) => isRoot(each.file ?? '')).map((each) => `${file} imports ${each.specifier}`))).toEqual([]);
  });

  it('there is no cycle of imports', () => {
    expect(cycles(modules)).toEqual([]);
  });

  it('the rules of the domain read no clock, no chance and no process', () => {
    expect(modules.filter((module) => module.file.startsWith('domain/')).flatMap(impurities)).toEqual([]);
  });

  it('the command line starts with what every command needs: `--version` waits for no calendar, key, source or store', () => {
    const loaded = loadedBy('cli/main.ts');
    expect(loaded.filter((file) => !/^(?:cli|domain|workflows\/messages\.ts)/.test(file))).toEqual(['config/config.ts', 'config/durations.ts', 'config/text.ts', 'policy/telling.ts']);
    const packages = modules.filter(({ file }) => loaded.includes(file)).flatMap(({ imports }) => imports.filter((each) => each.file === undefined && !each.typeOnly && !each.lazy && !isBuiltin(each.specifier)));
    expect([...new Set(packages.map((each) => each.specifier))].sort()).toEqual(['@temporalio/common', 'commander']);
  });

  it('every engine is registered', () => {
    const engines = readdirSync(join(SRC, 'providers'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    const registered = modules.find((module) => module.file === 'providers/index.ts')?.imports.map((each) => each.file?.split('/')[1]) ?? [];
    expect(engines.filter((engine) => !registered.includes(engine))).toEqual([]);
  });
});

describe('every file', () => {
  it('stays small enough to hold in the head: at most 350 lines', () => {
    expect(modules.filter((module) => module.lines > 350).map((module) => `${module.file}: ${String(module.lines)} lines`)).toEqual([]);
  });

  it('is named in kebab case for what it holds', () => {
    const badly = modules.filter(({ file }) => !file.split('/').every((part) => /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.ts)?$/.test(part)));
    expect(badly.map(({ file }) => file)).toEqual([]);
    expect(modules.filter(({ file }) => /(?:^|\/)(?:utils?|helpers?|misc|common|shared)(?:\.ts|\/)/.test(file)).map(({ file }) => file)).toEqual([]);
  });

  it('exports by name, and declares no enum', () => {
    expect(modules.flatMap(({ file, source }) => source.statements.filter((each) => isDefaultExport(each) || ts.isEnumDeclaration(each)).map((each) => `${file}: ${each.getText().slice(0, 60)}`))).toEqual([]);
  });
});

describe('the rules themselves', () => {
  it.each([
    { file: 'domain/plan.ts', text: "import { createHash } from 'node:crypto';", reason: 'domain uses no module of Node' },
    { file: 'domain/plan.ts', text: "import type { Ledger } from '../ledger/ledger.js';", reason: 'domain imports domain only, types too' },
    { file: 'workflows/part.ts', text: "import { makePlan } from '../domain/plan.js';", reason: 'workflows run the phase table and the guards, no other rule' },
    { file: 'workflows/part.ts', text: "import { finalize } from '../activities/finalize.js';", reason: 'workflows know activities as types' },
    { file: 'workflows/part.ts', text: "import { z } from 'zod';", reason: 'no zod in the bundle' },
    { file: 'activities/stage.ts', text: "import { part } from '../workflows/part.js';", reason: 'activities know the messages only' },
    { file: 'providers/files/index.ts', text: "import { x } from '../opentofu/plan.js';", reason: 'engines do not know each other' },
    { file: 'providers/files/index.ts', text: "import { providers } from '../index.js';", reason: 'nor the register' },
    { file: 'providers/files/index.ts', text: "import { probe } from '../../health/index.js';", reason: 'nor health' },
    { file: 'providers/files/index.ts', text: "import { Context } from '@temporalio/activity';", reason: 'nor Temporal' },
    { file: 'providers/files/index.ts', text: "const x = await import('@temporalio/activity');", reason: 'nor Temporal lazily' },
    { file: 'providers/kubernetes/index.ts', text: "import { KubeConfig } from '@kubernetes/client-node';", reason: 'an SDK is loaded lazily' },
    { file: 'health/http.ts', text: "import { files } from '../providers/files/index.js';", reason: 'health knows no provider' },
    { file: 'cli/commands/status.ts', text: "export { observe } from '../../activities/observe.js';", reason: 'commands know no activity, re-exported or not' },
    { file: 'client.ts', text: "import { providers } from './providers/index.js';", reason: 'the client knows no provider' },
    { file: 'nowhere/new.ts', text: "import { x } from '../domain/plan.js';", reason: 'a new part of the house says where it stands first' },
  ])('refuse $text in $file: $reason', ({ file, text }) => {
    expect(violations([parseModule(file, text)])).toHaveLength(1);
  });

  it.each([
    { file: 'workflows/part.ts', text: "import type { Activities } from '../activities/types.js';" },
    { file: 'workflows/part.ts', text: "import { type Plan, type Staged } from '../domain/plan.js';" },
    { file: 'workflows/part.ts', text: "import { nextPhase } from '../domain/phase.js';" },
    { file: 'activities/stage.ts', text: "import { poolQueue } from '../workflows/messages.js';" },
    { file: 'providers/kubernetes/index.ts', text: "const sdk = await import('@kubernetes/client-node');" },
    { file: 'providers/files/index.ts', text: "import { fields } from './fields.js'; import type { Provider } from '../provider.js';" },
    { file: 'providers/index.ts', text: "import { files } from './files/index.js';" },
  ])('allow $text in $file', ({ file, text }) => {
    expect(violations([parseModule(file, text)])).toEqual([]);
  });

  it.each(['const at = Date.now();', 'const at = new Date();', 'const x = Math.random();', 'const x = process.env;', 'setTimeout(() => 1, 1);'])('find %s impure', (text) => {
    expect(impurities(parseModule('domain/x.ts', text))).toHaveLength(1);
  });

  it.each(['const at = new Date(now);', 'const at = Date.parse(text);', 'const x = { process: 1 }.process;', 'interface X { readonly fetch: string }'])('find %s pure', (text) => {
    expect(impurities(parseModule('domain/x.ts', text))).toEqual([]);
  });

  it('find a cycle', () => {
    const ring = [parseModule('domain/a.ts', "import { b } from './b.js';"), parseModule('domain/b.ts', "import { a } from './a.js';")];
    expect(cycles(ring)).toEqual(['domain/a.ts → domain/b.ts → domain/a.ts']);
  });
});

function isDefaultExport(node: ts.Statement): boolean {
  if (ts.isExportAssignment(node)) return true;
  return ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((each) => each.kind === ts.SyntaxKind.DefaultKeyword) ?? false);
}

/** Every file of the house that is loaded with this one, sorted. */
function loadedBy(file: string): readonly string[] {
  const byFile = new Map(modules.map((module) => [module.file, module]));
  const found = new Set([file]);
  for (const each of found) for (const to of byFile.get(each)?.imports ?? []) if (to.file !== undefined && !to.typeOnly && !to.lazy) found.add(to.file);
  return [...found].sort();
}

/** Each cycle once, from its first file in the order of the alphabet. Types make none: they are gone at run time. */
function cycles(all: readonly Module[]): readonly string[] {
  const next = new Map(all.map((module) => [module.file, module.imports.filter((each) => !each.typeOnly && !each.lazy).flatMap((each) => each.file ?? [])]));
  const done = new Set<string>();
  const found: string[] = [];

  function walk(file: string, path: readonly string[]): void {
    const seen = path.indexOf(file);
    if (seen >= 0) found.push([...path.slice(seen), file].join(' → '));
    if (seen >= 0 || done.has(file)) return;
    for (const to of next.get(file) ?? []) walk(to, [...path, file]);
    done.add(file);
  }

  for (const file of next.keys()) walk(file, []);
  return found;
}
