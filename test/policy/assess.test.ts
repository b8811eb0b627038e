import { describe, expect, it } from 'vitest';
import { hashJson } from '../../src/digest.js';
import type { Change } from '../../src/domain/change.js';
import type { DecideChange, Decision } from '../../src/domain/deciding/decision.js';
import type { GateFacts, GateRow } from '../../src/domain/gates/facts.js';
import type { Proposal } from '../../src/domain/plan.js';
import { assessParts, type AssessedPart, type Assessing } from '../../src/policy/assess.js';
import type { PlanResult, Provider, ReadContext } from '../../src/providers/provider.js';
import { change, decisionInput, target } from '../domain/build.js';

const CTX: ReadContext = {
  signal: new AbortController().signal, heartbeat: () => undefined, workFolder: '/nowhere', resolveSecret: (reference) => Promise.resolve(reference),
  log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
};

/** Repairs anything but what it is told that it cannot. */
function provider(impossible: (changes: readonly Change[]) => string | undefined = () => undefined): Provider {
  const plan = async (_target: unknown, _revision: unknown, changes: readonly Change[]): Promise<PlanResult> => {
    const reason = impossible(changes);
    return reason === undefined ? { possible: true, proposal: proposalOf(changes) } : { possible: false, reason };
  };
  return { name: 'files', plan } as unknown as Provider;
}

function proposalOf(changes: readonly Change[]): Proposal {
  return {
    steps: changes.map((each) => ({ action: 'update', resource: each.resource, summary: `write ${each.resource}` })),
    blastRadius: { create: 0, update: changes.length, replace: 0, delete: 0 }, staging: 'shadow', rollback: 'exact', fencing: 'conditional',
  };
}

const decide: DecideChange = ({ change: each }) => ({ decision: (each.by ?? 'remediate') as Decision, risk: 'low', rules: ['test'], reason: 'so' });

function of(resource: string, decision: Decision = 'remediate'): Change {
  return change({ resource, by: decision });
}

function assess(changes: readonly Change[], more: Partial<Assessing> = {}): Promise<readonly AssessedPart[]> {
  return assessParts({ target: target(), provider: provider(), revision: { folder: '/desired' }, inputs: changes.map((each) => decisionInput({ change: each })), gates: gates([]), decide, hash: hashJson, ...more }, CTX);
}

function gates(rows: readonly GateRow[]): GateFacts {
  return { at: '2026-11-02T09:00:00.000Z', rows };
}

const resources = (part: AssessedPart | undefined): string[] | undefined => part?.changes.map((each) => each.resource);

describe('assessParts', () => {
  it('of nothing makes nothing', async () => {
    expect(await assess([])).toEqual([]);
  });

  it('plans the changes with the same decision together, and each decision alone', async () => {
    const parts = await assess([of('a'), of('b', 'ask'), of('c')]);
    expect(parts.map((part) => [part.decision, resources(part), part.plan?.steps.length])).toEqual([['ask', ['b'], 1], ['remediate', ['a', 'c'], 2]]);
  });

  it('plans the same whatever else drifted with another decision', async () => {
    const [alone] = await assess([of('a')]);
    const beside = await assess([of('b', 'ask'), of('a'), of('c', 'hold')]);
    expect(beside.find((part) => part.decision === 'remediate')?.plan).toEqual(alone?.plan);
  });

  it('a repair beyond the reach of its environment asks, under the same plan, with its counts; what was held stays held', async () => {
    const changes = [...['a', 'b', 'c'].map((name) => of(name)), ...['d', 'e', 'f'].map((name) => of(name, 'hold'))];
    const within = await assess(changes, { reach: { limit: { max: 3, percent: 1 }, of: 100 } });
    const beyond = await assess(changes, { reach: { limit: { max: 2, percent: 2 }, of: 100 } });
    expect(within.map((part) => part.decision)).toEqual(['hold', 'remediate']);
    expect(beyond.map((part) => part.decision)).toEqual(['hold', 'ask']);
    expect(beyond[1]).toMatchObject({ rules: ['blast-radius', 'test'], reason: expect.stringContaining('gate blast-radius: 3 of 100 resources (3 percent)') as string });
    expect(beyond[1]?.plan?.hash).toBe(within[1]?.plan?.hash);
  });

  it('repairs what it can without what stands in the way, and holds that with the reason', async () => {
    const parts = await assess([of('a'), of('locked'), of('c')], { provider: provider((changes) => (changes.some((each) => each.resource === 'locked') ? 'locked is protected' : undefined)) });
    expect(parts.map((part) => [part.decision, resources(part), part.impossible])).toEqual([['remediate', ['a', 'c'], undefined], ['hold', ['locked'], 'locked is protected']]);
    expect(parts[1]).toMatchObject({ rules: ['not-repairable', 'test'], reason: 'locked is protected' });
    expect(parts[1]?.plan).toBeUndefined();
  });

  it('holds all of it, as one part, when none of it can be repaired', async () => {
    const parts = await assess([of('a'), of('b')], { provider: provider(() => 'the engine is read-only') });
    expect(parts.map((part) => [part.decision, resources(part)])).toEqual([['hold', ['a', 'b']]]);
  });

  it('holds changes that can be repaired alone but not together, rather than guess an order', async () => {
    const parts = await assess([of('a'), of('b')], { provider: provider((changes) => (changes.length > 1 ? 'not in one plan' : undefined)) });
    expect(parts.map((part) => [part.decision, resources(part), part.impossible])).toEqual([['hold', ['a', 'b'], 'not in one plan']]);
  });

  it('loses no change and repeats none, whichever cannot be repaired', async () => {
    const changes = ['a', 'b', 'c', 'd'].map((resource) => of(resource));
    for (let mask = 0; mask < 16; mask += 1) {
      const locked = changes.filter((_, index) => (mask & (1 << index)) !== 0).map((each) => each.resource);
      const parts = await assess(changes, { provider: provider((some) => (some.some((each) => locked.includes(each.resource)) ? 'locked' : undefined)) });
      expect(parts.flatMap((part) => resources(part)).sort()).toEqual(['a', 'b', 'c', 'd']);
      for (const part of parts) expect(part.plan === undefined).toBe(part.changes.every((each) => locked.includes(each.resource)));
    }
  });

  it('asks the gates of each part for its own changes', async () => {
    const quarantined = of('a');
    const closed = gates([{ scope: 'prod/storefront', gate: 'quarantine', by: 'holdfast', reason: 'status 503', fingerprint: quarantined.fingerprint, revision: quarantined.revision }]);
    const parts = await assess([quarantined, of('b', 'ask')], { gates: closed });
    expect(parts.map((part) => [part.decision, part.gate.allowed])).toEqual([['ask', true], ['remediate', false]]);
  });

  it('the breaker holds back only what no person is asked about', async () => {
    const closed = gates([{ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a rollback failed' }]);
    expect((await assess([of('a'), of('b', 'ask')], { gates: closed })).map((part) => [part.decision, part.gate.allowed])).toEqual([['ask', true], ['remediate', false]]);
  });

  it('decides again with the plan of the part, which may only restrict', async () => {
    const seen: unknown[] = [];
    const wide: DecideChange = (input) => {
      if (input.plan !== undefined) seen.push([input.change.resource, input.plan.blastRadius.update, input.plan.resources, input.plan.staging, input.plan.rollback]);
      return (input.plan?.resources ?? 0) > 1 ? { decision: 'ask', risk: 'high', rules: ['wide'], reason: 'it is wide' } : decide(input);
    };
    const [alone, ...none] = await assess([of('a')], { decide: wide });
    expect(none).toEqual([]);
    expect([alone?.decision, alone?.rules]).toEqual(['remediate', ['test']]);
    expect(seen).toEqual([['a', 1, 1, 'shadow', 'exact']]);
    const [asked, ...rest] = await assess([of('a'), of('b')], { decide: wide });
    expect(rest).toEqual([]);
    expect([asked?.decision, asked?.risk, asked?.rules, resources(asked), asked?.plan?.steps.length]).toEqual(['ask', 'high', ['wide'], ['a', 'b'], 2]);
    const loose: DecideChange = (input) => ({ ...decide(input), ...(input.plan === undefined ? { decision: 'ask' as const } : {}) });
    expect((await assess([of('a')], { decide: loose })).map((part) => part.decision)).toEqual(['ask']);
  });

  it('what a plan restricts joins the part that was restricted already', async () => {
    const stage: DecideChange = (input) => (input.plan !== undefined && input.change.resource === 'b' ? { ...decide(input), decision: 'ask' } : decide(input));
    const parts = await assess([of('a'), of('b'), of('c', 'ask')], { decide: stage });
    expect(parts.map((part) => [part.decision, resources(part), part.plan?.steps.length])).toEqual([['ask', ['b', 'c'], 2], ['remediate', ['a'], 1]]);
  });
});
