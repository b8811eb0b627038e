import { afterAll, beforeAll, expect, test } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { HALF_OPEN, IN_PLACE, IN_PLACE_BACK, KEPT, LINK_BACK, nameOf, runCrashCase, SERVED, VOTED, type CrashCase, type Scene } from './crash-cases.js';

function at(scene: Scene, point: string, of: string | undefined, ...whens: readonly ('before' | 'after')[]): CrashCase[] {
  return whens.map((when) => ({ scene, fault: { point, when, call: 1, ...(of === undefined ? {} : { of }) } }));
}

/** One of each kind, on every run of the tests. */
const KEY: readonly CrashCase[] = [
  ...at(SERVED, 'ledger.openIncident', undefined, 'after'),
  ...at(SERVED, 'ledger.updateIncident', 'runId', 'before'),
  ...at(SERVED, 'ledger.decide', undefined, 'after'),
  ...at(SERVED, 'artifacts.put', undefined, 'after'),
  ...at(SERVED, 'ledger.intend', 'stage release', 'after'),
  ...at(SERVED, 'ledger.intentChild', 'stage release', 'after'),
  ...at(SERVED, 'ledger.closeIntent', 'start shadow', 'before'),
  ...at(SERVED, 'ledger.stepDone', '"artifacts"', 'before'),
  ...at(SERVED, 'probe', 'shadow http', 'after'),
  ...at(SERVED, 'ledger.intend', '/switch', 'after'),
  ...at(SERVED, 'ledger.closeIntent', '/switch', 'before'),
  ...at(SERVED, 'ledger.closeIntent', '/reload', 'before'),
  ...at(SERVED, 'ledger.append', '"finalized"', 'before'),
  ...at(SERVED, 'ledger.append', '"soak"', 'after'),
  ...at(SERVED, 'ledger.closeIncident', undefined, 'after'),
  ...at(IN_PLACE, 'ledger.intend', 'write etc/b.txt', 'after'),
  ...at(IN_PLACE, 'ledger.closeIntent', 'write etc/secret.env', 'before'),
  ...at(LINK_BACK, 'ledger.closeIntent', 'switch back', 'before'),
  ...at(LINK_BACK, 'ledger.stepDone', '"restored"', 'before'),
  ...at(LINK_BACK, 'files.cleanup', undefined, 'after'),
  ...at(IN_PLACE_BACK, 'ledger.intend', 'restore etc/b.txt', 'after'),
  ...at(IN_PLACE_BACK, 'ledger.closeIntent', 'restore etc/a.json', 'before'),
  ...at(VOTED, 'ledger.vote', undefined, 'after'),
  ...at(VOTED, 'ledger.decide', '"approve"', 'after'),
  ...at(KEPT, 'ledger.append', '"keeps it staged"', 'before'),
  ...at(HALF_OPEN, 'ledger.takePlace', undefined, 'after'),
  ...at(HALF_OPEN, 'ledger.liftGate', undefined, 'after'),
];

/** Every other call that leaves something behind, with `npm run faults`. */
const REST: readonly CrashCase[] = [
  ...at(SERVED, 'files.observe', undefined, 'before'),
  ...at(SERVED, 'ledger.observed', undefined, 'after'),
  ...at(SERVED, 'ledger.openIncident', undefined, 'before'),
  ...at(SERVED, 'ledger.updateIncident', 'runId', 'after'),
  ...at(SERVED, 'ledger.putPlan', undefined, 'after'),
  ...at(SERVED, 'ledger.ask', undefined, 'after'),
  ...at(SERVED, 'ledger.takeFence', '/stage', 'after'),
  ...at(SERVED, 'ledger.closeIntent', 'stage release', 'before', 'after'),
  ...at(SERVED, 'ledger.intentChild', 'start shadow', 'before', 'after'),
  ...at(SERVED, 'ledger.closeIntent', 'start shadow', 'after'),
  ...at(SERVED, 'ledger.stepDone', '"artifacts"', 'after'),
  ...at(SERVED, 'ledger.append', '"staged"', 'after'),
  ...at(SERVED, 'ledger.intend', '/switch', 'before'),
  ...at(SERVED, 'ledger.closeIntent', '/switch', 'after'),
  ...at(SERVED, 'ledger.closeIntent', '/reload', 'after'),
  ...at(SERVED, 'ledger.stepDone', 'finalize",true', 'before', 'after'),
  ...at(SERVED, 'ledger.append', '"finalized"', 'after'),
  ...at(SERVED, 'ledger.append', '"switch"', 'before', 'after'),
  ...at(SERVED, 'ledger.append', '"soak"', 'before'),
  ...at(SERVED, 'ledger.closeIncident', undefined, 'before'),
  ...at(SERVED, 'ledger.checkpoint', undefined, 'before', 'after'),
  ...at(SERVED, 'tell', undefined, 'before', 'after'),
  ...at(IN_PLACE, 'ledger.intend', 'write etc/b.txt', 'before'),
  ...at(IN_PLACE, 'ledger.closeIntent', 'write etc/a.json', 'before', 'after'),
  ...at(IN_PLACE, 'ledger.closeIntent', 'write etc/secret.env', 'after'),
  ...at(LINK_BACK, 'files.rollback', undefined, 'before', 'after'),
  ...at(LINK_BACK, 'ledger.intend', 'switch back', 'before', 'after'),
  ...at(LINK_BACK, 'ledger.closeIntent', 'switch back', 'after'),
  ...at(LINK_BACK, 'files.cleanup', undefined, 'before'),
  ...at(LINK_BACK, 'artifacts.remove', undefined, 'after'),
  ...at(LINK_BACK, 'ledger.closeGate', undefined, 'before', 'after'),
  ...at(LINK_BACK, 'ledger.append', '"rolled-back"', 'before', 'after'),
  ...at(LINK_BACK, 'ledger.stepDone', '"restored"', 'after'),
  ...at(IN_PLACE_BACK, 'ledger.intend', 'restore etc/b.txt', 'before'),
  ...at(IN_PLACE_BACK, 'ledger.closeIntent', 'restore etc/a.json', 'after'),
  ...at(IN_PLACE_BACK, 'ledger.closeIntent', 'restore etc/secret.env', 'before', 'after'),
  ...at(VOTED, 'ledger.vote', undefined, 'before'),
  ...at(VOTED, 'ledger.decide', '"approve"', 'before'),
  ...at(VOTED, 'ledger.updateIncident', '"approvals"', 'before', 'after'),
  ...at(KEPT, 'ledger.append', '"keeps it staged"', 'after'),
  ...at(KEPT, 'ledger.updateIncident', '"kept"', 'before', 'after'),
  ...at(HALF_OPEN, 'ledger.takePlace', undefined, 'before'),
  ...at(HALF_OPEN, 'ledger.liftGate', undefined, 'before'),
  ...at(HALF_OPEN, 'ledger.freePlace', undefined, 'before', 'after'),
];

const CASES = process.env['HOLDFAST_FAULTS'] === 'all' ? [...KEY, ...REST] : KEY;

let server: DevServer;

beforeAll(async () => {
  server = await devServer();
}, 60_000);

afterAll(() => server.stop());

test.concurrent.each(CASES.map((each) => ({ ...each, name: nameOf(each) })))('$name', async (each) => {
  const result = await runCrashCase(server, each);
  expect(result).toMatchObject({ struck: true, outcome: each.scene.outcome, violations: [] });
}, 300_000);
