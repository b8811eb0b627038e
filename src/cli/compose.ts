import { dirname, join } from 'node:path';
import type { Config } from '../config/config.js';
import type { LoadedConfig } from '../config/load.js';
import type { Logger } from '../providers/provider.js';
import { lookingDeps } from './compose/looking.js';
import { findTemporal, temporalDeps } from './compose/temporal.js';
import type { ConfigPlace, Deps } from './deps.js';
import type { Io } from './io.js';
import { plain } from './render/escape.js';

/** The rest of Holdfast, put together for one run of the program; each module is loaded at its first use. */
export function composeDeps(io: Io): Deps {
  let place: ConfigPlace | undefined;
  let problems: typeof import('../config/problem.js') | undefined;
  const log = lineLog(io);

  async function load(where: ConfigPlace, known?: ReadonlySet<string>): Promise<LoadedConfig> {
    place = where;
    problems = await import('../config/problem.js');
    const { loadConfig } = await import('../config/load.js');
    const { providers } = await import('../providers/index.js');
    return loadConfig({ ...where, providers, now: io.now(), ...(known === undefined ? {} : { known }) });
  }

  const dataDir = () => place?.dataDir ?? join(dirname(place?.file ?? join(io.cwd, 'holdfast.yaml')), '.holdfast');
  const resolver = (config: Config) => async (reference: string) => {
    const { resolveSecret } = await import('../config/secrets.js');
    return resolveSecret(reference, { folder: config.folder, env: io.env });
  };
  const reload = (known?: ReadonlySet<string>) => load(place ?? { file: join(io.cwd, 'holdfast.yaml') }, known);

  return {
    loadConfig: (where) => load(where),
    formatConfigError: (error) => (problems !== undefined && error instanceof problems.ConfigError ? problems.formatConfigError(error) : undefined),
    async configSchema() {
      const { configJsonSchema } = await import('../config/schema.js');
      const { providers } = await import('../providers/index.js');
      return configJsonSchema(providers);
    },
    async explain(where, address) {
      const { explain } = await import('../config/explain.js');
      const { providers } = await import('../providers/index.js');
      return explain({ ...where, providers }, address);
    },
    async init(request) {
      const { initFolder } = await import('./compose/init.js');
      return initFolder(request, { io, log, dataDir, load: (file) => load({ file }) });
    },
    ...lookingDeps({ io, log, dataDir }),
    ...temporalDeps(io),
    async openLedger(config, { readOnly }) {
      const { openExistingLedger, openLedger } = await import('../ledger/open.js');
      return readOnly ? openExistingLedger(config, { resolveSecret: resolver(config) }) : openLedger(config, { resolveSecret: resolver(config) });
    },
    async tryArtifacts(config) {
      const { openArtifacts } = await import('../ledger/open.js');
      const artifacts = await openArtifacts(config, { resolveSecret: resolver(config) });
      try {
        await artifacts.ready();
      } finally {
        await artifacts.close();
      }
    },
    async tryKeys(config) {
      const { checkKeys } = await import('../ledger/keys.js');
      await checkKeys(config, resolver(config));
    },
    async notifyTest(config, sink, signal) {
      const { sendTest } = await import('./compose/notify.js');
      await sendTest(config, { sink, signal, io });
    },
    async startWorkers({ dataDir: folder, pools, access, control }) {
      const { startWorkers } = await import('../worker.js');
      const { connect } = await findTemporal(folder, io.env);
      return startWorkers({ connect, load: reload, dataDir: folder, pools, access, control, log, env: io.env });
    },
    async up(request) {
      const { startUp } = await import('./compose/up.js');
      return startUp(request, { io, log, load: reload });
    },
  };
}

/** The log of what runs in this process: lines on standard error. */
function lineLog(io: Io): Logger {
  const line = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    const rest = fields === undefined ? '' : ` ${Object.entries(fields).map(([name, value]) => `${plain(name)}=${plain(typeof value === 'string' || value === undefined ? (value ?? '') : JSON.stringify(value))}`).join(' ')}`;
    io.err(`${io.now().toISOString().slice(11, 19)} ${level} ${plain(message)}${rest}\n`);
  };
  return { debug: () => undefined, info: line('info'), warn: line('warn'), error: line('error') };
}
