import { formatAddress, parseAddress } from '../../domain/address.js';
import { HoldfastError } from '../../domain/errors.js';
import type { GateName } from '../../domain/gates/gate.js';
import { instant, optionalInstant } from '../instant.js';
import type { ClosedGate, Ledger } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import type { Database, Reads, Transaction } from './database.js';
import { compact, json } from './rows.js';

const EVERYTHING = '*';

/** Set by people for a scope of their choice: opened only there, so that lifting one lifts nobody else's. */
const EXACT: readonly GateName[] = ['freeze'];

const BY_KEY = 'scope = :scope AND gate = :gate AND change = :change';

type Methods = Pick<Ledger, 'closeGate' | 'openGate' | 'liftGate' | 'takePlace' | 'freePlace' | 'closedGates' | 'allClosedGates'>;

export function createGates(database: Database, append: AppendEntry): Methods {
  return {
    async closeGate(given) {
      const gate = compact({ ...given, at: instant(given.at), until: optionalInstant(given.until) });
      const place = placeOf(gate.scope);
      const key = keyOf(gate);
      const stored = storableText(gate);
      await database.write(async (tx) => {
        const row = await tx.get(`SELECT row FROM gates WHERE ${BY_KEY}`, key);
        if (row?.['row'] === stored) return;
        await put(tx, gate);
        const { at, by, incident, ...data } = gate;
        await append(tx, { at, kind: 'gate', ...place, incident, by, data: { ...data, event: 'closed' } });
      }, { locks: ['record'] });
    },

    async openGate({ scope, gate, by, reason, at }) {
      const place = placeOf(scope);
      return database.write(async (tx) => {
        const inScope = (each: ClosedGate): boolean => each.scope === scope || (!EXACT.includes(gate) && isBeneath(each.scope, scope));
        const opened = (await gatesOf(tx, 'gate = :gate', { gate })).filter(inScope);
        for (const each of opened) {
          await tx.run(`DELETE FROM gates WHERE ${BY_KEY}`, keyOf(each));
        }
        if (opened.length > 0) {
          const what = opened.map(({ scope: of, fingerprint, resource, path, incident }) => ({ scope: of, fingerprint, resource, path, incident }));
          await append(tx, { at, kind: 'gate', ...place, by, data: { event: 'opened', scope, gate, reason, opened: what } });
        }
        return opened;
      }, { locks: ['record'] });
    },

    async liftGate(gate, { at: given, by, reason }) {
      const at = instant(given);
      const key = keyOf(gate);
      return database.write(async (tx) => {
        const row = await tx.get(`SELECT row FROM gates WHERE ${BY_KEY} AND (until IS NULL OR until > :at)`, { ...key, at });
        if (row === undefined) return false;
        await end(tx, json<ClosedGate>(row, 'row'), at);
        const { scope, fingerprint, resource, path, incident } = gate;
        await append(tx, { at, kind: 'gate', ...placeOf(scope), by, data: { event: 'opened', scope, gate: gate.gate, reason, opened: [compact({ scope, fingerprint, resource, path, incident })] } });
        return true;
      }, { locks: ['record'] });
    },

    async takePlace({ max, ...given }) {
      const at = instant(given.at);
      const until = optionalInstant(given.until);
      const { scope, gate, holder } = given;
      const row: ClosedGate = compact({ scope, gate, holder, by: 'holdfast', reason: 'it was let through', at, until });
      return database.write(async (tx) => {
        const taken = (await gatesOf(tx, 'scope = :scope AND gate = :gate AND (until IS NULL OR until > :at)', { scope, gate, at })).filter((each) => each.holder !== undefined);
        if (taken.some((each) => each.holder === holder)) return true;
        if (taken.length >= max) return false;
        await put(tx, row);
        return true;
      }, { locks: ['record'] });
    },

    async freePlace({ scope, gate, holder, at: given }) {
      const at = instant(given);
      const key = keyOf({ scope, gate, holder });
      const known = await database.get(`SELECT row FROM gates WHERE ${BY_KEY}`, key);
      if (known === undefined) return false;
      const place = json<ClosedGate>(known, 'row');
      if (place.until === undefined || place.until > at) await database.write((tx) => end(tx, place, at), { locks: ['record'] });
      return true;
    },

    async closedGates(address, at) {
      return gatesOf(database, 'scope IN (:everything, :environment, :address) AND (until IS NULL OR until > :at)', {
        everything: EVERYTHING, environment: address.environment, address: formatAddress(address), at: instant(at),
      });
    },

    async allClosedGates(at) {
      return (await gatesOf(database, '(until IS NULL OR until > :at)', { at: instant(at) })).filter((each) => each.holder === undefined);
    },
  };

  async function put(tx: Transaction, gate: ClosedGate): Promise<void> {
    await tx.run(
      'INSERT INTO gates (scope, gate, change, until, row) VALUES (:scope, :gate, :change, :until, :stored) ON CONFLICT (scope, gate, change) DO UPDATE SET until = excluded.until, row = excluded.row',
      { ...keyOf(gate), until: gate.until, stored: storableText(compact({ ...gate })) },
    );
  }

  /** Kept until it is pruned, and in force no longer: not every worker may remove rows. */
  async function end(tx: Transaction, gate: ClosedGate, at: string): Promise<void> {
    await put(tx, { ...gate, until: at });
  }

  async function gatesOf(reads: Reads, condition: string, values: Readonly<Record<string, string>>): Promise<readonly ClosedGate[]> {
    return (await reads.all(`SELECT row FROM gates WHERE ${condition} ORDER BY scope, gate, change`, values)).map((row) => json<ClosedGate>(row, 'row'));
  }
}

/** Where a scope's entries are filed: under the environment and target that it names. */
function placeOf(scope: string): { readonly environment?: string; readonly target?: string } {
  if (scope === EVERYTHING) return {};
  const address = parseAddress(scope);
  if (address === undefined) throw new HoldfastError('Invalid', `ledger: ${JSON.stringify(scope.slice(0, 80))} is no scope`, { remedy: 'use an environment, environment/target, or *' });
  return address;
}

/** A gate may hold for several changes at once, and give several places, each with a row of its own. */
function keyOf({ scope, gate, fingerprint, revision, resource, path, holder }: Pick<ClosedGate, 'scope' | 'gate' | 'fingerprint' | 'revision' | 'resource' | 'path' | 'holder'>): { readonly scope: string; readonly gate: GateName; readonly change: string } {
  const change = [fingerprint ?? null, revision ?? null, resource ?? null, path ?? null];
  return { scope, gate, change: storableText(holder === undefined ? change : [...change, holder]) };
}

function isBeneath(scope: string, parent: string): boolean {
  return parent === EVERYTHING || scope.startsWith(`${parent}/`);
}
