import { Runtime, type LogLevel } from '@temporalio/worker';
import type { Logger } from '../providers/provider.js';

/** The SDK's own log goes where ours goes; its news of every poll and cache does not. */
export function takeSdkLog(log: Logger): void {
  const levels: Readonly<Record<LogLevel, keyof Logger | undefined>> = { TRACE: undefined, DEBUG: undefined, INFO: undefined, WARN: 'debug', ERROR: 'warn' };
  const at = (level: LogLevel) => (message: string, meta?: Record<string, unknown>): void => {
    const to = levels[level];
    if (to !== undefined) log[to](message, { sdk: meta?.['sdkComponent'] });
  };
  const logger = { log: (level: LogLevel, message: string, meta?: Record<string, unknown>) => { at(level)(message, meta); }, trace: at('TRACE'), debug: at('DEBUG'), info: at('INFO'), warn: at('WARN'), error: at('ERROR') };
  try {
    Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } } });
  } catch {
    // Installed already by an earlier call in this process: its logger stays.
  }
}
