import type { Deps } from './deps.js';
import type { Io } from './io.js';
export function composeDeps(_io: Io): Deps { throw new Error('x'); }
