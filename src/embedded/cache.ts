import { homedir, platform } from 'node:os';
import { join } from 'node:path';

/** Where this user's downloads and builds are kept between runs. The folder may not exist yet. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['XDG_CACHE_HOME'] !== undefined && env['XDG_CACHE_HOME'] !== '') return join(env['XDG_CACHE_HOME'], 'holdfast');
  // Without HOME, `homedir` asks the system's user database.
  if (platform() === 'darwin') return join(homedir(), 'Library', 'Caches', 'holdfast');
  return join(homedir(), '.cache', 'holdfast');
}
