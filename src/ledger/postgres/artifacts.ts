import { sha256 } from '../../digest.js';
import { isName, type TargetAddress } from '../../domain/address.js';
import { HoldfastError } from '../../domain/errors.js';
import type { ArtifactRef } from '../../domain/plan.js';
import type { ArtifactStore } from '../artifacts.js';
import { KEY_BYTES, keyed, keysFrom, lost, seal, sealedName, unseal, type Keys } from '../sealing.js';
import { ARTIFACTS_SCHEMA, migrateArtifacts } from './artifacts-schema.js';
import { openPool, type Pool, type PostgresOptions, type Session, type SessionValues } from './pool.js';

export interface PostgresArtifactsOptions extends Pick<PostgresOptions, 'url' | 'connections' | 'timeouts'> {
  /**
   * The keys of an environment, as text: 32 bytes in base64 or hex. The first encrypts, all decrypt.
   * Asked for when content is put or read, so that who never does either needs none.
   */
  readonly keys: (environment: string) => Promise<readonly string[]>;
}

/** PostgreSQL takes a gigabyte in a value; a server that is asked for several of these at once has less to give. */
const MOST_BYTES = 256 * 1024 * 1024;
const ONE = 'environment = :environment AND name = :name';

/**
 * Opens the distributed artifact store: rows that are encrypted before they leave this process,
 * in the schema `holdfast_artifacts` of a database that may be another than the ledger's.
 */
export async function openPostgresArtifacts(options: PostgresArtifactsOptions): Promise<ArtifactStore> {
  let opening: Promise<Pool> | undefined;

  /** At the first use, so that a process which never uses the store needs no way to it. */
  function opened(): Promise<Pool> {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  async function open(): Promise<Pool> {
    const pool = await openPool({ ...options, what: 'artifacts', schema: ARTIFACTS_SCHEMA });
    try {
      await migrateArtifacts(pool);
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  async function ask(sql: string, values?: SessionValues): ReturnType<Session['query']> {
    const pool = await opened();
    return pool.use((session) => session.query(sql, values));
  }

  async function keysOf(environment: string): Promise<readonly Keys[]> {
    if (!isName(environment)) throw new HoldfastError('Invalid', `artifacts: ${JSON.stringify(environment.slice(0, 80))} is no environment's name`);
    return (await options.keys(environment)).map((text) => keysFrom(parseArtifactKey(text, environment)));
  }

  /** The stored name and content, under whichever of the keys it lies. */
  async function find(address: TargetAddress, ref: ArtifactRef, keys: readonly Keys[]): Promise<{ readonly name: string; readonly content: Buffer | undefined } | undefined> {
    for (const each of keys) {
      const name = sealedName(address, ref, each);
      const { rows } = await ask(`SELECT content FROM artifacts WHERE ${ONE}`, { environment: address.environment, name });
      const sealed = rows[0]?.['content'];
      if (Buffer.isBuffer(sealed)) return { name, content: unseal(sealed, address, { ref, keys: each }) };
    }
    return undefined;
  }

  return {
    async put(address, name, content) {
      if (content.byteLength > MOST_BYTES) throw new HoldfastError('Refused', `artifacts: ${name} of ${address.environment}/${address.target} has ${content.byteLength} bytes, and PostgreSQL takes ${MOST_BYTES}`, { remedy: 'keep what is so large in a store of its own, and stage a reference to it' });
      const ref: ArtifactRef = { name, digest: sha256(content), bytes: content.byteLength };
      const keys = await keysOf(address.environment);
      const [first] = keys;
      if (first === undefined) throw noKey(address.environment);
      const stored = await find(address, ref, keys);
      const { environment } = address;
      const at = new Date().toISOString();
      // Stored again is as good as stored now: retention counts from here. What was pruned meanwhile is stored anew.
      const renewed = stored?.content === undefined ? 0 : (await ask(`UPDATE artifacts SET at = :at WHERE ${ONE}`, { environment, name: stored.name, at })).count;
      if (renewed === 0) {
        await ask(
          'INSERT INTO artifacts (environment, name, at, content) VALUES (:environment, :name, :at, :content) ON CONFLICT (environment, name) DO UPDATE SET at = excluded.at, content = excluded.content',
          { environment, name: sealedName(address, ref, first), at, content: seal(content, address, { ref, keys: first }) },
        );
      }
      return ref;
    },

    async get(address, ref) {
      const keys = await keysOf(address.environment);
      const stored = await find(address, ref, keys);
      if (stored === undefined) return lost(address, ref, 'it is gone, or of a key that is not among those of its environment');
      return stored.content ?? lost(address, ref, 'it is not what was stored');
    },

    async remove(address, ref) {
      const keys = await keysOf(address.environment);
      for (const each of keys) await ask(`DELETE FROM artifacts WHERE ${ONE}`, { environment: address.environment, name: sealedName(address, ref, each) });
    },

    /** Needs no key, save for what `keep` names: that is told by its keyed digest. */
    async prune(before, keep) {
      const environments = keep.size === 0 ? [] : (await ask('SELECT DISTINCT environment FROM artifacts')).rows.map((row) => String(row['environment']));
      const kept: string[] = [];
      for (const environment of environments) {
        for (const keys of await keysOf(environment)) kept.push(...[...keep].map((digest) => keyed(keys, digest)));
      }
      const { count } = await ask('DELETE FROM artifacts WHERE at < :before AND NOT substr(name, 1, 64) = ANY (:kept)', { before: new Date(before).toISOString(), kept });
      return count;
    },

    async ready() {
      await opened();
    },
    async close() {
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}

/** The text of a key is never repeated. */
export function parseArtifactKey(text: string, environment: string): Buffer {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : /^[A-Za-z0-9+/]{43}=?$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : undefined;
  if (key?.length === KEY_BYTES) return key;
  throw new HoldfastError('Invalid', `artifacts: a key of ${environment} is not ${KEY_BYTES} bytes in base64 or hex`, { remedy: 'make one with: openssl rand -base64 32' });
}

function noKey(environment: string): HoldfastError {
  return new HoldfastError('Invalid', `artifacts: ${environment} has no key`, { remedy: `name one under artifacts.keys.${environment}, and give it to the write workers of its pools` });
}
