import { loadConfig } from '../../src/config/load.js';
import type { LoadedConfig } from '../../src/config/load.js';
import { providers } from '../../src/providers/index.js';
import { cli } from '../cli/support.js';

/** One process of Holdfast as a deployment file starts it. */
export interface HoldfastProcess {
  readonly name: string;
  /** What follows the program's name. */
  readonly args: readonly string[];
  /** Variables it is given; a value that only the deployment knows is `undefined`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folders and files mounted into it. */
  readonly mounts: readonly string[];
}

export interface Started {
  readonly pools: readonly string[];
  readonly access: string;
  readonly control: boolean;
}

/** The settings of Temporal's own environment configuration, as its documentation lists them. */
const TEMPORAL = /^TEMPORAL_(ADDRESS|NAMESPACE|API_KEY|PROFILE|CONFIG_FILE|GRPC_META_\w+|TLS|TLS_(CLIENT_CERT|CLIENT_KEY|SERVER_CA_CERT)_(PATH|DATA)|TLS_SERVER_NAME|TLS_DISABLE_HOST_VERIFICATION)$/;
const OWN = new Set(['HOLDFAST_READ_ONLY', 'HOLDFAST_HOST']);
const SYSTEM = new Set(['HOME', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'NO_COLOR', 'TZ']);
const PATH_OPTIONS = ['--config', '--data-dir'];

/** What is wrong with a process: options that Holdfast has not, variables that nobody reads, files that are not mounted. */
export async function processProblems(started: HoldfastProcess, file: string): Promise<{ readonly problems: readonly string[]; readonly started?: Started }> {
  const config = await loadConfig({ file, providers, now: new Date() });
  const commanded = await command(started, config);
  const problems = [...commanded.problems, ...variableProblems(started, config), ...mountProblems(started)].map((problem) => `${started.name}: ${problem}`);
  return { problems, ...(commanded.started === undefined ? {} : { started: commanded.started }) };
}

/** Parsed and run by the real command line, with nothing behind it. */
async function command({ args }: HoldfastProcess, config: LoadedConfig): Promise<{ readonly problems: readonly string[]; readonly started?: Started }> {
  let started: Started | undefined;
  const ran = await cli(args, {
    deps: {
      loadConfig: () => Promise.resolve(config),
      startWorkers: (request) => {
        started = { pools: request.pools, access: request.access, control: request.control };
        return Promise.resolve({ queues: [], config: () => config, run: Promise.resolve(), shutdown: () => undefined });
      },
      connect: () => Promise.reject(new Error('no Temporal here')),
    },
  });
  const refused = ran.err.split('\n').filter((line) => line.startsWith('holdfast:'));
  // Without a Temporal, doctor and status say what is away; what they were asked is understood all the same.
  const failed = ran.code !== 0 && refused.length === 0 && args.includes('worker') ? [ran.err.trim()] : [];
  return { problems: [...refused, ...failed], ...(started === undefined ? {} : { started }) };
}

function variableProblems({ env }: HoldfastProcess, config: LoadedConfig): readonly string[] {
  const asked = new Set(referencesIn(config).flatMap((reference) => /^\$\{env:(.+)\}$/.exec(reference)?.[1] ?? []));
  return Object.keys(env).filter((name) => !TEMPORAL.test(name) && !OWN.has(name) && !SYSTEM.has(name) && !asked.has(name)).map((name) => `nothing reads the variable ${name}`);
}

function mountProblems({ args, env, mounts }: HoldfastProcess): readonly string[] {
  const named = [
    ...args.filter((_, index) => PATH_OPTIONS.includes(args[index - 1] ?? '')),
    ...Object.entries(env).flatMap(([name, value]) => (name.endsWith('_PATH') && value !== undefined ? [value] : [])),
  ];
  const isThere = (path: string): boolean => mounts.some((mount) => path === mount || path.startsWith(`${mount}/`));
  return named.filter((path) => path.startsWith('/') && !isThere(path)).map((path) => `${path} is named and not mounted`);
}

/** Every secret reference of the configuration, wherever it stands. */
function referencesIn(config: LoadedConfig): readonly string[] {
  return [...new Set([...JSON.stringify(config).matchAll(/\$\{(?:env|file):[^{}\n"\\]+\}/g)].map(([reference]) => reference))].sort();
}
