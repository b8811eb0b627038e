import { readFileSync } from 'node:fs';

/** The version of the package this file was installed with. */
export function version(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string') return parsed.version;
  } catch {
    // Without its package.json the program still runs.
  }
  return 'unknown';
}
