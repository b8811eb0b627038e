import { join } from 'node:path';
import { openLedger } from '../../src/ledger/open.js';
import { checkStatements, tenMoreChecks } from '../support/evidence.js';
import { addressOf, handleOf, newNamespace, openLaboratory, type Fault, type Laboratory } from '../support/laboratory.js';
import type { SiteOptions, SiteTarget } from '../support/site.js';
import type { Violation } from '../support/statements.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';
import { voting } from '../support/voting.js';

/** One kind of repair, and where in it the worker is struck. */
export interface Scene {
  readonly name: string;
  readonly target: SiteTarget;
  readonly drift: Readonly<Record<string, string | undefined>>;
  /** What is live is unhealthy once it is as desired, so that it must be rolled back. */
  readonly unhealthyWhenDesired?: boolean;
  readonly outcome: 'fixed' | 'rolled-back';
  /** Of its site, beyond the usual. */
  readonly site?: Partial<SiteOptions>;
  /** Something else that goes wrong with the first worker. */
  readonly stalls?: readonly Fault[];
  /** What stands there before the first look. */
  readonly before?: (laboratory: Laboratory) => Promise<void>;
  /** What people do, whoever works meanwhile; by signals, which the server keeps for whoever comes. */
  readonly people?: (laboratory: Laboratory) => Promise<void>;
}

export interface CrashCase {
  readonly scene: Scene;
  readonly fault: Omit<Fault, 'act'>;
}

export interface CrashResult {
  readonly outcome: string | undefined;
  readonly struck: boolean;
  readonly violations: readonly Violation[];
  readonly seconds: number;
}

const TOKEN = 'canary-desired-7f3a';
export const CANARIES: readonly string[] = [TOKEN, 'canary-live-91c2'];

/** Secrets of both sides, which must leave the files nowhere. */
const SECRET = { 'etc/secret.env': `API_TOKEN=${TOKEN}\n` };
const LIVE_SECRET = { 'etc/secret.env': 'API_TOKEN=canary-live-91c2\n' };
const PLAIN = { 'etc/a.json': '{"x":1}\n', 'etc/b.txt': 'b\n', 'etc/c.yaml': 'c: 1\n', ...SECRET };
const BROKEN = { 'etc/a.json': '{"x":2}\n', 'etc/b.txt': undefined, 'etc/c.yaml': 'c: 2\n', ...LIVE_SECRET };

export const SERVED: Scene = {
  name: 'a service',
  target: { address: 'dev/web', service: true },
  drift: { 'etc/features.toml': '[checkout]\nexpress = false\n', 'etc/limits.json': '{"workers": 2, "requestsPerWorker": 30}\n' },
  outcome: 'fixed',
};
export const IN_PLACE: Scene = { name: 'files in place', target: { address: 'dev/flat', inPlace: true, files: PLAIN }, drift: BROKEN, outcome: 'fixed' };
export const LINK_BACK: Scene = { name: 'a switch back', target: { address: 'dev/back', files: PLAIN }, drift: BROKEN, unhealthyWhenDesired: true, outcome: 'rolled-back' };
export const IN_PLACE_BACK: Scene = { name: 'putting back in place', target: { address: 'dev/flatback', inPlace: true, files: PLAIN }, drift: BROKEN, unhealthyWhenDesired: true, outcome: 'rolled-back' };

const SMALL = { 'etc/app.json': '{"port":80}\n' };
const SMALL_DRIFT = { 'etc/app.json': '{"port":81}\n' };
const VOTES = voting();
/** Two people must approve. */
export const VOTED: Scene = {
  name: 'two votes',
  target: { address: 'prod/voted', files: SMALL },
  drift: SMALL_DRIFT,
  outcome: 'fixed',
  site: { environments: { prod: { remediation: 'ask', approvals: VOTES.approvals } }, ...VOTES.people },
  async people(laboratory) {
    const [alice, bob] = [await VOTES.words(laboratory, 'prod/voted', 'alice'), await VOTES.words(laboratory, 'prod/voted', 'bob')];
    await handleOf(laboratory, 'prod/voted').signal('approve', alice);
    await eventually('the first vote is counted', async () => ((await laboratory.withLedger((ledger) => ledger.votes({ ...addressOf('prod/voted'), number: 1 }))).length === 1 ? true : undefined), { timeoutMs: 120_000 });
    await handleOf(laboratory, 'prod/voted').signal('approve', bob);
  },
};
/** A pipeline begins while the copy is measured, and is done some seconds later. */
export const KEPT: Scene = {
  name: 'a stage that is kept',
  target: { address: 'dev/kept', service: true },
  drift: { 'etc/features.toml': '[checkout]\nexpress = false\n' },
  outcome: 'fixed',
  stalls: [{ point: 'probe', when: 'before', act: 'stall', ms: 8_000, of: 'shadow http', call: 1 }],
  async people(laboratory) {
    await laboratory.untilPhase('dev/kept', 'validating');
    const until = new Date(Date.now() + 20_000).toISOString();
    await laboratory.temporal.workflow.getHandle('environment/dev').signal('freeze', { scope: 'dev/kept', gate: 'busy', by: 'ci', reason: 'a release goes out', until });
  },
};
/** The breaker lets one repair through, and this is the one. */
export const HALF_OPEN: Scene = {
  name: 'a half-open breaker',
  target: { address: 'risky/through', files: SMALL },
  drift: SMALL_DRIFT,
  outcome: 'fixed',
  site: { environments: { risky: { remediation: 'auto', limits: { failures: { max: 1, within: '1h' } } } } },
  async before({ site }) {
    const ledger = await openLedger({ ledger: { type: 'sqlite', file: join(site.dataDir, 'ledger.db') } });
    const at = new Date(Date.now() - 60_000).toISOString();
    await ledger.closeGate({ scope: 'risky', gate: 'breaker', by: 'holdfast', reason: 'a repair failed before', at, halfOpenAt: at });
    await ledger.close();
  },
};

export async function runCrashCase(server: { readonly address: string; readonly dataDir: string }, { scene, fault }: CrashCase): Promise<CrashResult> {
  const started = Date.now();
  const { address } = scene.target;
  const laboratory = await openLaboratory(await newNamespace(server.address), { targets: [scene.target], notifications: NOTIFIED, ...scene.site });
  try {
    await prepare(laboratory, scene);
    const doomed = await laboratory.faultyWorker({ faults: [...(scene.stalls ?? []), { ...fault, act: 'kill' }] });
    const [environment = '', target = ''] = address.split('/');
    await laboratory.client.startCheck(environment, target);
    const people = scene.people?.(laboratory) ?? Promise.resolve();
    people.catch(() => undefined);
    // Without its point the incident ends, however slow the machine is.
    const struck = (await Promise.race([doomed.ended, laboratory.untilClosed(address, undefined, 200_000).catch(() => undefined)])) === 'SIGKILL';
    await doomed.kill();
    await laboratory.worker();
    await people;
    const row = await laboratory.untilClosed(address);
    const quiet = await tenMoreChecks(laboratory, [address]);
    const violations = [...(await checkStatements(laboratory, { canaries: CANARIES, quiet })), ...(await placesLeft(laboratory, address))];
    return { outcome: row.outcome, struck, violations, seconds: (Date.now() - started) / 1000 };
  } finally {
    await laboratory.close();
  }
}

/** Whatever a gate let through has ended: nothing of the breaker is left, neither closed nor given out. */
async function placesLeft(laboratory: Laboratory, address: string): Promise<readonly Violation[]> {
  const rows = await laboratory.withLedger((ledger) => ledger.closedGates(addressOf(address), new Date().toISOString()));
  return rows.filter((row) => row.gate === 'breaker').map((row) => ({ statement: 9, incident: address, detail: `the breaker still ${row.holder === undefined ? 'is closed' : `lets ${row.holder} through`}` }));
}

/** A sink that takes everything and keeps nothing. */
const NOTIFIED = { sinks: { out: { type: 'command', command: ['node', '-e', 'process.stdin.resume()'] } }, routes: [{ to: ['out'] }] };

async function prepare(laboratory: Laboratory, scene: Scene): Promise<void> {
  const { site } = laboratory;
  const { address } = scene.target;
  await scene.before?.(laboratory);
  await site.drift(address, scene.drift);
  if (scene.unhealthyWhenDesired !== true) return;
  const wanted = (await readTree(site.desired(address)))['etc/a.json'];
  site.health.set(address, async () => (await readTree(site.live(address)))['etc/a.json'] !== wanted);
}

export function nameOf({ scene, fault }: CrashCase): string {
  return `${scene.name}: killed ${fault.when} ${fault.point}${fault.of === undefined ? '' : ` of ${fault.of}`}${fault.call === undefined ? '' : `, call ${fault.call}`}`;
}
