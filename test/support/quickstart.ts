import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from '../../src/embedded/ports.js';
import type { ProcessIdentity } from '../../src/system/process.js';

export const ROOT = join(import.meta.dirname, '..', '..');
export const LIBRARY = join(ROOT, 'examples', 'drift-patterns');

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly environment: string;
  readonly person: string;
  readonly steps: readonly Readonly<Record<string, Readonly<Record<string, unknown>> | null>>[];
  readonly holdfast: string;
  readonly see: readonly string[];
}

interface QuickstartScripts {
  readonly startServices: (folder: string, say: (line: string) => void) => Promise<void>;
  readonly stopServices: (folder: string) => Promise<void>;
  readonly runningService: (folder: string, environment: string) => Promise<ProcessIdentity | undefined>;
  readonly environmentsOf: (folder: string) => Promise<readonly { readonly name: string; readonly port: number }[]>;
}

interface ScenarioScripts {
  readonly readScenarios: (library: string) => Promise<readonly Scenario[]>;
  readonly carryOut: (scenario: Scenario, scene: { readonly folder: string; readonly environment: string }) => Promise<readonly string[]>;
  readonly reset: (folder: string) => Promise<readonly string[]>;
}

/** The scripts behind `npm start` and `npm run break`. They import what is built: run `npm run build` first. */
export async function quickstartScripts(): Promise<QuickstartScripts & ScenarioScripts> {
  const load = async (name: string): Promise<unknown> => import(pathToFileURL(join(ROOT, 'scripts', 'lib', name)).href);
  return { ...((await load('quickstart.mjs')) as QuickstartScripts), ...((await load('scenarios.mjs')) as ScenarioScripts) };
}

/** A copy of the quickstart on free ports, with nothing running. `remove()` ends its services and removes it. */
export async function quickstartCopy(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-quickstart-'));
  await cp(join(ROOT, 'examples', 'quickstart'), folder, { recursive: true, filter: (path) => !path.includes('.holdfast') });
  const file = join(folder, 'holdfast.yaml');
  let text = await readFile(file, 'utf8');
  for (const port of ['18101', '18102', '18103']) text = text.replace(port, String(await freePort()));
  await writeFile(file, text);
  const { reset, stopServices } = await quickstartScripts();
  return {
    folder,
    remove: async () => {
      await reset(folder);
      await stopServices(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
