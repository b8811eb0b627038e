import { checkStatements, tenMoreChecks } from '../support/evidence.js';
import { newNamespace, openLaboratory, type Fault, type Laboratory } from '../support/laboratory.js';
import type { SiteTarget } from '../support/site.js';
import type { Violation } from '../support/statements.js';
import { readTree } from '../support/trees.js';

/** One kind of repair, and where in it the worker is struck. */
export interface Scene {
  readonly name: string;
  readonly target: SiteTarget;
  readonly drift: Readonly<Record<string, string | undefined>>;
  /** What is live is unhealthy once it is as desired, so that it must be rolled back. */
  readonly unhealthyWhenDesired?: boolean;
  readonly outcome: 'fixed' | 'rolled-back';
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

export async function runCrashCase(server: { readonly address: string; readonly dataDir: string }, { scene, fault }: CrashCase): Promise<CrashResult> {
  const started = Date.now();
  const { address } = scene.target;
  const laboratory = await openLaboratory(await newNamespace(server.address), { targets: [scene.target], notifications: NOTIFIED });
  try {
    await prepare(laboratory, scene);
    const doomed = await laboratory.faultyWorker({ faults: [{ ...fault, act: 'kill' }] });
    const [environment = '', target = ''] = address.split('/');
    await laboratory.client.startCheck(environment, target);
    const struck = (await Promise.race([doomed.ended, new Promise((resolve) => setTimeout(resolve, 45_000))])) === 'SIGKILL';
    await doomed.kill();
    await laboratory.worker();
    const row = await laboratory.untilClosed(address);
    const quiet = await tenMoreChecks(laboratory, [address]);
    const violations = await checkStatements(laboratory, { canaries: CANARIES, quiet });
    return { outcome: row.outcome, struck, violations, seconds: (Date.now() - started) / 1000 };
  } finally {
    await laboratory.close();
  }
}

/** A sink that takes everything and keeps nothing. */
const NOTIFIED = { sinks: { out: { type: 'command', command: ['node', '-e', 'process.stdin.resume()'] } }, routes: [{ to: ['out'] }] };

async function prepare({ site }: Laboratory, scene: Scene): Promise<void> {
  const { address } = scene.target;
  await site.drift(address, scene.drift);
  if (scene.unhealthyWhenDesired !== true) return;
  const wanted = (await readTree(site.desired(address)))['etc/a.json'];
  site.health.set(address, async () => (await readTree(site.live(address)))['etc/a.json'] !== wanted);
}

export function nameOf({ scene, fault }: CrashCase): string {
  return `${scene.name}: killed ${fault.when} ${fault.point}${fault.of === undefined ? '' : ` of ${fault.of}`}${fault.call === undefined ? '' : `, call ${fault.call}`}`;
}
