import { describe, expect, it } from 'vitest';
import { decisionInputs } from '../../src/policy/inputs.js';
import type { Ledger, Sighting } from '../../src/ledger/ledger.js';
import { config } from '../cli/support.js';
import { change, target } from '../domain/build.js';

const AT = '2026-11-02T09:00:00.000Z';
const KNOWN = change();

function remembering(sighting: Partial<Sighting>): Pick<Ledger, 'sightings'> {
  const { fingerprint, resource, path } = KNOWN;
  return { sightings: () => Promise.resolve([{ fingerprint, resource, path, firstSeen: '2026-11-01T09:00:00.000Z', lastSeen: AT, count: 3, incidents: [], ...sighting }]) };
}

describe('decisionInputs', () => {
  it('says what is remembered of each change, and nothing of those that were never seen', async () => {
    const incidents = [{ number: 1, outcome: 'fixed' as const }, { number: 2, outcome: 'rolled-back' as const }, { number: 3 }];
    const [known, fresh] = await decisionInputs({ config: config(), target: target(), changes: [KNOWN, change({ path: '/host' })], at: AT, ledger: remembering({ incidents }), baseline: 'healthy' });
    expect(known).toMatchObject({ at: AT, baseline: 'healthy', environment: { name: 'prod' }, history: { firstSeen: '2026-11-01T09:00:00.000Z', recurrence: 2, lastOutcome: 'rolled-back' } });
    expect(fresh?.history).toEqual({ recurrence: 0, firstLook: false });
  });

  it('without a record and a measurement says so by leaving them out', async () => {
    const [only] = await decisionInputs({ config: config(), target: target(), changes: [KNOWN], at: AT });
    expect(only).not.toHaveProperty('baseline');
    expect(only?.history).toEqual({ recurrence: 0, firstLook: false });
  });
});
