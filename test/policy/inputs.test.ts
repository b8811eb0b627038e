import { describe, expect, it } from 'vitest';
import { decisionInputs } from '../../src/policy/inputs.js';
import type { ClosedGate, Sighting, TargetRow } from '../../src/ledger/ledger.js';
import { config } from '../cli/support.js';
import { change, target } from '../domain/build.js';

const AT = '2026-11-02T09:00:00.000Z';
const KNOWN = change();

type Memory = Parameters<typeof decisionInputs>[0]['ledger'] & object;

function remembering(sighting: Partial<Sighting>, more: Partial<Pick<TargetRow, 'firstKnownAt'>> & { readonly gates?: readonly ClosedGate[] } = {}): Memory {
  const { gates = [], ...row } = more;
  const { fingerprint, resource, path } = KNOWN;
  return {
    closedGates: () => Promise.resolve(gates),
    lastObservation: () => Promise.resolve({ environment: 'prod', target: 'storefront', verdict: 'drifted', digest: 'd', revision: 'r', changes: 1, since: AT, at: AT, lastKnownAt: AT, ...row }),
    sightings: () => Promise.resolve([{ fingerprint, resource, path, firstSeen: '2026-11-01T09:00:00.000Z', lastSeen: AT, count: 3, incidents: [], ...sighting }]),
  };
}

describe('decisionInputs', () => {
  it('says what is remembered of each change, and nothing of those that were never seen', async () => {
    const incidents = [{ number: 1, outcome: 'fixed' as const }, { number: 2, outcome: 'rolled-back' as const }, { number: 3 }];
    const [known, fresh] = await decisionInputs({ config: config(), target: target(), changes: [KNOWN, change({ path: '/host' })], at: AT, ledger: remembering({ incidents }), baseline: 'healthy' });
    expect(known).toMatchObject({ at: AT, baseline: 'healthy', environment: { name: 'prod' }, history: { firstSeen: '2026-11-01T09:00:00.000Z', recurrence: 2, lastOutcome: 'rolled-back' } });
    expect(fresh?.history).toEqual({ recurrence: 0, firstLook: false });
  });

  it.each<{ reason: string; firstSeen: string; firstKnownAt?: string; firstLook: boolean }>([
    { reason: 'it stood there when the target was first read', firstSeen: '2026-11-01T09:00:00.000Z', firstKnownAt: '2026-11-01T09:00:00.000Z', firstLook: true },
    { reason: 'the target was clean, or other, at first', firstSeen: '2026-11-01T10:00:00.000Z', firstKnownAt: '2026-11-01T09:00:00.000Z', firstLook: false },
    { reason: 'nobody wrote down when it was first read', firstSeen: '2026-11-01T09:00:00.000Z', firstLook: false },
  ])('first look $firstLook: $reason', async ({ firstSeen, firstKnownAt, firstLook }) => {
    const [only] = await decisionInputs({ config: config(), target: target(), changes: [KNOWN], at: AT, ledger: remembering({ firstSeen }, firstKnownAt === undefined ? {} : { firstKnownAt }) });
    expect(only?.history.firstLook).toBe(firstLook);
  });

  it('says of the environment what its configuration says, and nothing that it does not', async () => {
    const { environments, ...rest } = config();
    const factsUnder = async (more: object): Promise<object | undefined> => (await decisionInputs({ config: { ...rest, environments: environments.map((each) => ({ ...each, ...more })) }, target: target(), changes: [KNOWN], at: AT }))[0]?.environment;
    expect(await factsUnder({ production: false, owner: 'payments', firstSeen: 'ask' })).toMatchObject({ production: false, owner: 'payments', firstSeen: 'ask' });
    for (const member of ['production', 'owner', 'firstSeen']) expect(await factsUnder({ [member]: undefined })).not.toHaveProperty(member);
  });

  it('takes a target that nobody has read yet for one that is read for the first time now', async () => {
    const ledger = { ...remembering({}), sightings: () => Promise.resolve([]), lastObservation: () => Promise.resolve(undefined) };
    const [only] = await decisionInputs({ config: config(), target: target(), changes: [KNOWN], at: AT, ledger });
    expect(only?.history).toEqual({ recurrence: 0, firstLook: true });
  });

  it('says of a class that it went a step back, and of no other', async () => {
    const gate: ClosedGate = { scope: 'prod', gate: 'step-back', by: 'holdfast', at: AT, resource: 'configuration', reason: 'rolled back in prod/storefront#3' };
    const inputs = await decisionInputs({ config: config(), target: target(), changes: [KNOWN, change({ path: '@mode' })], at: AT, ledger: remembering({}, { gates: [gate] }) });
    expect(inputs.map((each) => each.steppedBack?.reason)).toEqual(['configuration is a step back in prod: rolled back in prod/storefront#3; until it is released, a person decides: holdfast release prod --gate step-back --reason WHY', undefined]);
  });

  it('without a record and a measurement says so by leaving them out', async () => {
    const [only] = await decisionInputs({ config: config(), target: target(), changes: [KNOWN], at: AT });
    expect(only).not.toHaveProperty('baseline');
    expect(only?.history).toEqual({ recurrence: 0, firstLook: false });
  });
});
