import { formatAddress, parseAddress } from '../../domain/address.js';
import { HoldfastError } from '../../domain/errors.js';
import type { GateName } from '../../domain/gate.js';
import { instant, optionalInstant } from '../instant.js';
import type { ClosedGate, Ledger } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import type { Database, Reads } from './database.js';
import { compact, json } from './rows.js';

const EVERYTHING = '*';

/** Set by people for a scope of their choice: opened only there, so that lifting one lifts nobody else's. */
const EXACT: readonly GateName[] = ['freeze'];

type Methods = Pick<Ledger, 'closeGate' | 'openGate' | 'closedGates' | 'allClosedGates'>;

export function createGates(database: Database, append: AppendEntry): Methods {
  return {
    async closeGate(given) {
      const gate = compact({ ...given, at: instant(given.at), until: optionalInstant(given.until) });
      const place = placeOf(gate.scope);
      const key = keyOf(gate);
      const stored = storableText(gate);
      await database.write(async (tx) => {
        const row = await tx.get('SELECT row FROM gates WHERE scope = :scope AND gate = :gate AND change = :change', key);
        if (row?.['row'] === stored) return;
        await tx.run(
          'INSERT INTO gates (scope, gate, change, until, row) VALUES (:scope, :gate, :change, :until, :stored) ON CONFLICT (scope, gate, change) DO UPDATE SET until = excluded.until, row = excluded.row',
          { ...key, until: gate.until, stored },
        );
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
          await tx.run('DELETE FROM gates WHERE scope = :scope AND gate = :gate AND change = :change', keyOf(each));
        }
        if (opened.length > 0) {
          const what = opened.map(({ scope: of, fingerprint, resource, path, incident }) => ({ scope: of, fingerprint, resource, path, incident }));
          await append(tx, { at, kind: 'gate', ...place, by, data: { event: 'opened', scope, gate, reason, opened: what } });
        }
        return opened;
      }, { locks: ['record'] });
    },

    async closedGates(address, at) {
      return gatesOf(database, 'scope IN (:everything, :environment, :address) AND (until IS NULL OR until > :at)', {
        everything: EVERYTHING, environment: address.environment, address: formatAddress(address), at: instant(at),
      });
    },

    async allClosedGates(at) {
      return gatesOf(database, '(until IS NULL OR until > :at)', { at: instant(at) });
    },
  };

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

/** A gate may hold for several changes at once, each with a row of its own. */
function keyOf({ scope, gate, fingerprint, revision, resource, path }: ClosedGate): { readonly scope: string; readonly gate: GateName; readonly change: string } {
  return { scope, gate, change: storableText([fingerprint ?? null, revision ?? null, resource ?? null, path ?? null]) };
}

function isBeneath(scope: string, parent: string): boolean {
  return parent === EVERYTHING || scope.startsWith(`${parent}/`);
}
