import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { windowRules } from '../../src/config/windows.js';
import { askGates } from '../../src/domain/gates/ask.js';
import type { Asking, GateRow } from '../../src/domain/gates/facts.js';
import type { GateAnswer } from '../../src/domain/gates/gate.js';
import { keptUntil } from '../../src/domain/gates/keeping.js';
import type { TimeWindow } from '../../src/domain/gates/window.js';
import type { AssessedPart } from '../../src/activities/types.js';
import { assessed, part, type Script, type World } from './world.js';

const EXPIRES_MS = 4 * 3_600_000;
type StepName = 'assess' | 'stage' | 'validate' | 'finalize' | 'verify' | 'rollback';

export interface Gating {
  readonly windows?: readonly TimeWindow[];
  readonly part?: Partial<AssessedPart>;
  /** While a step is under way, after its gates were asked. */
  readonly during?: Partial<Record<StepName, (gated: Gated) => Promise<void>>>;
  readonly verdict?: 'healthy' | 'unhealthy';
}

/** Steps that ask the real rules about real windows and freezes, by the server's own clock. */
export interface Gated {
  readonly script: Script;
  /** When steps were taken (ISO, UTC); a step that a gate refused is not in it. */
  readonly taken: { readonly step: string; readonly at: string }[];
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Another configuration is taken. */
  configure(windows: readonly TimeWindow[]): void;
  /** The step under way takes so long: time does not skip while one is, so that only the gates see it. */
  takes(ms: number): Promise<void>;
}

export function gatedBy(env: TestWorkflowEnvironment, world: World, { windows = [], part: overrides = {}, during = {}, verdict = 'healthy' }: Gating): Gated {
  let rules = windowRules(windows);
  const taken: { step: string; at: string }[] = [];
  const automatic = overrides.decision !== 'ask';
  let rows: readonly GateRow[] = [];
  let begunAt = '';
  let stagedAt = '';
  let floor = 0;
  const now = async (): Promise<string> => new Date(Math.max(floor, await env.currentTimeMs())).toISOString();
  const ask = async (asking: Pick<Asking, 'action' | 'begunAt'>): Promise<GateAnswer> => askGates({ at: await now(), rows, environment: 'prod', windows: rules }, { ...asking, changes: [], automatic });
  const wake = async (): Promise<void> => { await env.client.workflow.getHandle(`incident/${world.environment}/storefront`).signal('gates', {}); };
  const keep = async (gate: GateAnswer): Promise<{ readonly keepUntil?: string }> => {
    const keepUntil = keptUntil(gate, { at: await now(), stagedAt });
    return keepUntil === undefined ? {} : { keepUntil };
  };
  const take = async (step: StepName): Promise<void> => {
    taken.push({ step, at: await now() });
    await during[step]?.(gated);
  };
  const gated: Gated = {
    taken,
    async freeze() { rows = [{ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'launch' }]; await wake(); },
    async thaw() { rows = []; await wake(); },
    configure(other) { rules = windowRules(other); },
    async takes(ms) { floor = Date.parse(await now()) + ms; },
    script: {
      async assess() {
        await during.assess?.(gated);
        const gate = await ask({ action: 'stage' });
        const expiresAt = gate.allowed && !automatic ? { expiresAt: new Date(Date.parse(await now()) + EXPIRES_MS).toISOString() } : {};
        return assessed([part({ decision: 'remediate', rules: ['remediation: auto'], gate, expiresMs: EXPIRES_MS, ...expiresAt, ...overrides })]);
      },
      async askGates({ kept, expiresAt, leftMs }) {
        const at = Date.parse(await now());
        const gate = await ask(kept === true ? { action: 'finalize', begunAt } : { action: 'stage' });
        if (kept === true) return { gate, ...(await keep(gate)) };
        if (gate.allowed) return { gate, expiresAt: new Date(at + (leftMs ?? EXPIRES_MS)).toISOString() };
        return { gate, ...(expiresAt === undefined ? (leftMs === undefined ? {} : { leftMs }) : { leftMs: Date.parse(expiresAt) - at }) };
      },
      async stage() {
        const gate = await ask({ action: 'stage' });
        if (!gate.allowed) return { result: 'gate-closed', gate };
        begunAt = await now();
        await take('stage');
        stagedAt = await now();
        return { result: 'staged', staged: { artifacts: [], data: {}, shadow: { health: [] } } };
      },
      async validate() {
        await take('validate');
        return { verdict: 'healthy', checks: [] };
      },
      async finalize() {
        const gate = await ask({ action: 'finalize', begunAt });
        if (!gate.allowed) return { result: 'gate-closed', gate, ...(await keep(gate)) };
        await take('finalize');
        return { result: 'finalized' };
      },
      async verify({ end }) {
        await take('verify');
        if (verdict === 'unhealthy') return { result: 'unhealthy', message: 'status 503, expected 200' };
        if (end !== undefined) world.closed.push(end);
        return { result: 'healthy', message: 'healthy', ...(end === undefined ? {} : { ended: true }) };
      },
      async rollback() {
        await take('rollback');
        return { result: 'restored', message: 'put back' };
      },
    },
  };
  return gated;
}

/** Lets the server's clock go on to an instant. */
export async function advanceTo(env: TestWorkflowEnvironment, at: string | number): Promise<void> {
  const left = (typeof at === 'number' ? at : Date.parse(at)) - (await env.currentTimeMs());
  if (left > 0) await env.sleep(left);
}
