import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { z } from 'zod';
import { loadConfig, type LoadedConfig, type LoadOptions } from '../../src/config/load.js';
import { ConfigError, formatConfigError } from '../../src/config/problem.js';
import type { Provider } from '../../src/providers/provider.js';

const never = (): Promise<never> => Promise.reject(new Error('a configuration calls no engine'));

const filesSpec = z.strictObject({ root: z.string().min(1), unmanaged: z.enum(['report', 'remove', 'ignore']).default('report'), token: z.string().optional(), port: z.number().optional() });
const otherSpec = z.looseObject({ parallelism: z.int().optional() });

function provider<Spec>(name: string, spec: z.ZodType<Spec>, resolveSpec?: (spec: Spec, folder: string) => Spec): Provider {
  const made: Provider<Spec> = {
    name, spec, fencing: 'none', observe: never, plan: never, stage: never, finalize: never, rollback: never, cleanup: never,
    ...(resolveSpec === undefined ? {} : { resolveSpec }),
  };
  return made;
}

/** Two engines that only have settings. */
export const providers: Readonly<Record<string, Provider>> = {
  files: provider('files', filesSpec, (spec, folder) => ({ ...spec, root: resolve(folder, spec.root) })),
  opentofu: provider('opentofu', otherSpec),
};

export type Files = Readonly<Record<string, string | Uint8Array>>;

const made: string[] = [];

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A new folder with these files; a `string` is the content of `holdfast.yaml`. */
export function folderWith(files: Files | string): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
  made.push(folder);
  for (const [name, content] of Object.entries(typeof files === 'string' ? { 'holdfast.yaml': files } : files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export function loadIn(folder: string, options: Partial<LoadOptions> = {}): Promise<LoadedConfig> {
  return loadConfig({ file: join(folder, 'holdfast.yaml'), providers, ...options });
}

export function loadText(files: Files | string, options: Partial<LoadOptions> = {}): Promise<LoadedConfig> {
  return loadIn(folderWith(files), options);
}

/** The error a configuration gives; fails when it is accepted. */
export async function errorOf(files: Files | string, options: Partial<LoadOptions> = {}): Promise<ConfigError> {
  const outcome = await loadText(files, options).catch((error: unknown) => error);
  if (outcome instanceof ConfigError) return outcome;
  throw new Error('the configuration was accepted, or failed otherwise', { cause: outcome });
}

/** Each problem as `line:column message | remedy`. */
export function lines(error: ConfigError): string[] {
  return error.problems.map((problem) => `${problem.line}:${problem.column} ${problem.message} | ${problem.remedy}`);
}

/** What a person would see. */
export function shown(error: ConfigError): string {
  return formatConfigError(error);
}

/** A configuration of one target; what is given replaces or is added. */
export function minimal(parts: { environment?: string; target?: string; spec?: string; more?: string } = {}): string {
  const { environment = '', target = '', spec = 'root: "/srv/${target.environment}"', more = '' } = parts;
  return `version: 1
project: shop
environments:
  dev: { ${environment} }
targets:
  web:
    environments: [dev]
    provider: files
    source: { path: ./desired }
    spec: { ${spec} }
${target === '' ? '' : `    ${target}\n`}${more}`;
}
