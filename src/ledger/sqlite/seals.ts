import { existsSync } from 'node:fs';
import { readOutside, writeOutside } from '../outside.js';
import { signingKey, trustedKeys } from '../signing.js';
import type { Seals } from '../sql/checkpoints.js';
import { readOnlyRefusal } from './database.js';

/** The signing key is a file, made at its first use, with every public half beside it; the copy outside lies beside the database. */
export function createSeals({ file, keyFile, readOnly }: { readonly file: string; readonly keyFile: string; readonly readOnly: boolean }): Seals {
  const outside = `${file}.checkpoint`;
  return {
    async seal() {
      if (readOnly) throw readOnlyRefusal(file);
      return signingKey(keyFile);
    },
    // `signingKey` has written it beside the key.
    remember: async () => undefined,
    trust: async () => ({ trusted: trustedKeys(keyFile), keyExists: existsSync(keyFile) }),
    readOutside: () => readOutside(outside),
    writeOutside: (checkpoint) => writeOutside(outside, checkpoint),
  };
}
