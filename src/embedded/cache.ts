import { homedir, platform } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where this user's downloads and builds are kept between runs. The folder may not exist yet. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['XDG_CACHE_HOME'];
  // The XDG specification has relative ones ignored.
  if (named !== undefined && isAbsolute(named)) return join(named, 'holdfast');
  // Without HOME, `homedir` asks the system's user database.
  if (platform() === 'darwin') return join(homedir(), 'Library', 'Caches', 'holdfast');
  return join(homedir(), '.cache', 'holdfast');
}
