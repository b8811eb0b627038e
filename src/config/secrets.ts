import { isAbsolute, join } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import { readBounded } from './read.js';

export interface SecretContext {
  /** The folder of the root configuration: relative `${file:…}` count from it. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

const MOST_BYTES = 64 * 1024;

/**
 * Resolves `${env:NAME}` or `${file:path}`, now. The line break at the end of a file is not part of
 * the secret. Throws an `Invalid` error that names the reference, and never a value.
 */
export async function resolveSecret(reference: string, { folder, env }: SecretContext): Promise<string> {
  const [, kind, name = ''] = /^\$\{(env|file):([^{}\n]+)\}$/.exec(reference) ?? [];
  if (kind === undefined) throw new HoldfastError('Invalid', 'a secret is not written as a reference', { remedy: 'write "${env:NAME}" or "${file:path}"' });
  const secret = kind === 'env' ? env[name] : await readSecretFile(reference, isAbsolute(name) ? name : join(folder, name));
  if (secret !== undefined && secret !== '') return secret;
  const remedy = kind === 'env' ? `set ${name} in the environment of this process` : 'write the secret into the file';
  throw new HoldfastError('Invalid', `the secret ${reference} is ${secret === undefined ? 'not set' : 'empty'}`, { remedy });
}

async function readSecretFile(reference: string, path: string): Promise<string> {
  try {
    return (await readBounded(path, MOST_BYTES)).toString('utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    const why = cause instanceof HoldfastError ? cause.message : 'the file cannot be read';
    throw new HoldfastError('Invalid', `the secret ${reference} cannot be read: ${why}`, { cause, remedy: 'check the path and its permissions; it counts from the folder of the configuration' });
  }
}
