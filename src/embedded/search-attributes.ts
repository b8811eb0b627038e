import type { Connection } from '@temporalio/client';
import { HoldfastError } from '../domain/errors.js';

/** What an operator can search incidents by in Temporal. Their values never hold a secret. */
export const SEARCH_ATTRIBUTES = {
  HoldfastEnvironment: 'Keyword',
  HoldfastTarget: 'Keyword',
  HoldfastProvider: 'Keyword',
  HoldfastPhase: 'Keyword',
  HoldfastOutcome: 'Keyword',
  HoldfastRisk: 'Keyword',
  HoldfastOwner: 'Keyword',
  HoldfastFingerprint: 'Keyword',
  HoldfastRecurrence: 'Int',
} as const;

/** Numbers of `temporal.api.enums.v1.IndexedValueType`. */
const INDEXED_VALUE_TYPE: Readonly<Record<'Keyword' | 'Int', number>> = { Keyword: 2, Int: 3 };

/** The names that the namespace lacks. Throws `Unreachable` when Temporal does not say. */
export async function missingSearchAttributes(connection: Connection, namespace: string): Promise<readonly string[]> {
  const { customAttributes } = await asked(namespace, connection.operatorService.listSearchAttributes({ namespace }));
  return Object.keys(SEARCH_ATTRIBUTES).filter((name) => customAttributes[name] === undefined);
}

/** Registers those that are missing and returns their names; one that exists under another type is `Invalid`. */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<readonly string[]> {
  const { customAttributes } = await asked(namespace, connection.operatorService.listSearchAttributes({ namespace }));
  const missing: string[] = [];
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) {
    const existing: number | undefined = customAttributes[name];
    if (existing === undefined) missing.push(name);
    else if (existing !== INDEXED_VALUE_TYPE[type]) {
      throw new HoldfastError('Invalid', `search attribute ${name} of namespace ${namespace} exists under another type than ${type}`, {
        remedy: `remove it with: temporal operator search-attribute remove --namespace ${namespace} --name ${name}`,
      });
    }
  }
  if (missing.length === 0) return [];
  const searchAttributes = Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => missing.includes(name)).map(([name, type]) => [name, INDEXED_VALUE_TYPE[type]]),
  );
  await asked(namespace, connection.operatorService.addSearchAttributes({ namespace, searchAttributes }));
  return missing;
}

async function asked<T>(namespace: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new HoldfastError('Unreachable', `Temporal did not answer about the search attributes of namespace ${namespace}`, {
      cause,
      remedy: 'check the address and that your access allows operator requests',
    });
  }
}
