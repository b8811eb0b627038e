import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/digest.js';
import { HoldfastError } from '../../src/domain/errors.js';
import type { ReadContext, WriteContext } from '../../src/providers/provider.js';

/**
 * Intents and artifacts in a folder, so that a process that dies leaves them as a ledger would, and
 * the next one finds them. Everything said or stored in the open is kept, for a canary to be looked for.
 */
export interface Store {
  readonly folder: string;
  /** Called before and after each external call; may throw, or end the process. */
  readonly fault?: (call: string) => void;
}

interface IntentLine {
  readonly key: string;
  readonly ok?: boolean;
  readonly error?: string;
}

export function readContext(store: Store, signal = new AbortController().signal): ReadContext {
  const say = (line: unknown): void => appendFileSync(join(store.folder, 'said.jsonl'), `${JSON.stringify(line)}\n`);
  const log = { debug: say, info: say, warn: say, error: say };
  mkdirSync(join(store.folder, 'work'), { recursive: true });
  return { signal, heartbeat: say, log, workFolder: mkdtempSync(join(store.folder, 'work', 'step-')), resolveSecret: async () => 'a-resolved-secret' };
}

export function writeContext(store: Store, step: string, options: { readonly fence?: number; readonly fenced?: () => boolean; readonly signal?: AbortSignal } = {}): WriteContext {
  const external = async <T>(call: string, effect: () => T): Promise<T> => {
    store.fault?.(`before ${call}`);
    const result = effect();
    store.fault?.(`after ${call}`);
    return result;
  };
  const artifacts = join(store.folder, 'artifacts');
  mkdirSync(artifacts, { recursive: true });
  return {
    ...readContext(store, options.signal),
    idempotencyKey: `prod/storefront#1/1.1/${step}`,
    fence: options.fence ?? 1,
    intend: (write) => external(`intend ${write.name}`, () => {
      if (options.fenced?.() === true) throw new HoldfastError('Fenced', 'a newer attempt may write');
      const key = `${step}/${write.name}`;
      const earlier = intents(store).filter((line) => line.key === key);
      record(store, { key });
      return {
        reopened: earlier.length > 0,
        done: earlier.some((line) => line.ok === true),
        child: (process) => external('child', () => record(store, { key, ...process })),
        close: (outcome) => external(`close ${write.name}`, () => record(store, { key, ...outcome })),
      };
    }),
    artifacts: {
      put: (name, content) => external(`put ${name}`, () => {
        const digest = sha256(content);
        writeFileSync(join(artifacts, digest), content);
        return { name, digest, bytes: content.length };
      }),
      get: (ref) => external(`get ${ref.name}`, () => {
        const path = join(artifacts, ref.digest);
        if (!existsSync(path)) throw new HoldfastError('ArtifactLost', `${ref.name} is gone`);
        return readFileSync(path);
      }),
      remove: (ref) => external(`remove ${ref.name}`, () => rmSync(join(artifacts, ref.digest), { force: true })),
    },
  };
}

/** Every write that was begun, and how it ended. */
export function intents(store: Store): IntentLine[] {
  const path = join(store.folder, 'intents.jsonl');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as IntentLine);
}

/** All that was written in the open: intents, heartbeats and log lines; artifacts are encrypted where they are stored. */
export function saidIn(store: Store): string {
  return ['intents.jsonl', 'said.jsonl'].map((name) => join(store.folder, name)).filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8')).join('\n');
}

function record(store: Store, line: object): void {
  appendFileSync(join(store.folder, 'intents.jsonl'), `${JSON.stringify(line)}\n`);
}
