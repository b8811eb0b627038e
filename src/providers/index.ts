import { files } from './files/index.js';
import type { Provider } from './provider.js';

/** Every engine, by the name that targets use. */
export const providers: Readonly<Record<string, Provider>> = {
  files,
};
