import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hashJson } from '../../src/digest.js';
import { driftFingerprint, type Change, type Observation } from '../../src/domain/change.js';
import { makePlan, type Plan, type Staged } from '../../src/domain/plan.js';
import { look } from '../../src/providers/look.js';
import { describeAdopting } from './adopting.js';
import { intents, readContext, saidIn, writeContext } from './contexts.js';
import { CANARY, type Harness, type Subject } from './subject.js';

type Step = 'stage' | 'finalize' | 'rollback' | 'cleanup';

/** The one contract of design.md, for every provider, on its real backend. */
export function describeContract(harness: Harness): void {
  const { provider } = harness;
  const made: Subject[] = [];

  async function fresh(): Promise<Subject> {
    const subject = await harness.make();
    made.push(subject);
    return subject;
  }

  afterEach(() => {
    for (const subject of made.splice(0)) subject.dispose();
  });

  const see = (subject: Subject, target = subject.target): Promise<Observation> => look(provider, target, subject.revision, readContext(subject.store));
  const at = (subject: Subject, step: Step, fault?: (call: string) => void): ReturnType<typeof writeContext> => writeContext({ folder: subject.store.folder, ...(fault === undefined ? {} : { fault }) }, step);
  const stage = (subject: Subject, plan: Plan): Promise<Staged> => provider.stage(plan, subject.revision, at(subject, 'stage'));

  async function planFor(subject: Subject, changes: readonly Change[]): Promise<Plan> {
    const result = await provider.plan(subject.target, subject.revision, changes, readContext(subject.store));
    if (!result.possible) throw new Error(result.reason);
    const { environment, target, spec } = subject.target;
    return makePlan({ ...result.proposal, environment, target, provider: provider.name, spec, changes }, hashJson);
  }

  async function drifted(): Promise<{ subject: Subject; before: unknown; plan: Plan }> {
    const subject = await fresh();
    subject.drift();
    const { changes } = await see(subject);
    return { subject, before: subject.live(), plan: await planFor(subject, changes) };
  }

  function crash(subject: Subject, step: Step, input: { readonly plan: Plan; readonly staged?: Staged; readonly killAt: number }): { readonly survived: boolean; readonly calls: number } {
    const file = join(subject.store.folder, `${step}.json`);
    writeFileSync(file, JSON.stringify({ step, provider: provider.name, revision: subject.revision, store: subject.store.folder, ...input }));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'crash-step.mjs'), file], { encoding: 'utf8' });
    if (status !== null && status !== 0) throw new Error(`the step failed by itself: ${stderr}`);
    return { survived: status === 0, calls: Number(stdout) };
  }

  describe(`${harness.name}: looking`, () => {
    it('a live state equal to the desired one is clean', async () => {
      expect(await see(await fresh())).toMatchObject({ verdict: 'clean', changes: [] });
    });

    it('looking changes nothing', async () => {
      const { subject, before } = await drifted();
      await see(subject);
      expect(subject.live()).toEqual(before);
    });

    it('the same state has the same fingerprints, and another order or layout is no drift', async () => {
      const subject = await fresh();
      subject.rewriteAlike();
      expect((await see(subject)).changes).toEqual([]);
      subject.drift();
      const [first, second] = [await see(subject), await see(subject)];
      expect(first.changes.length).toBeGreaterThan(2);
      expect(second).toEqual(first);
    });

    it('an unrelated change, or an unrelated edit, changes neither fingerprints nor revisions nor the plan', async () => {
      const { subject, plan } = await drifted();
      const before = await see(subject);
      subject.driftElsewhere();
      subject.editElsewhere();
      const after = await see(subject);
      const kept = after.changes.filter((change) => before.changes.some((each) => each.fingerprint === change.fingerprint && each.revision === change.revision));
      expect(kept).toEqual(before.changes);
      expect(driftFingerprint(after.changes, hashJson)).not.toBe(driftFingerprint(before.changes, hashJson));
      expect((await planFor(subject, kept)).hash).toBe(plan.hash);
    });

    it('another identity than expected is unknown, and so is one that is not told', async () => {
      const subject = await fresh();
      subject.drift();
      const others: Record<string, string>[] = [{ host: 'another' }, { account: '111111111111' }];
      for (const expected of others) {
        const observation = await see(subject, { ...subject.target, expect: expected });
        expect(observation).toMatchObject({ verdict: 'unknown', changes: [] });
        expect(observation.reason).toMatch(/expect/);
      }
    });

    it.each(harness.unreadable)('$reason is unknown, never a difference', async ({ make }) => {
      const subject = await fresh();
      make(subject);
      const observation = await see(subject);
      expect(observation).toMatchObject({ verdict: 'unknown', changes: [] });
      expect(observation.reason).not.toBe('');
    });

    it('ignored changes are said, not found', async () => {
      const subject = await fresh();
      subject.drift();
      const observation = await see(subject, { ...subject.target, ignore: [{ resource: '**', reason: 'somebody else owns it' }] });
      expect(observation).toMatchObject({ verdict: 'clean', changes: [] });
      expect(observation.skipped.map((each) => each.reason)).toContain('somebody else owns it');
    });

    it('a cancelled look ends', async () => {
      const subject = await fresh();
      await expect(look(provider, subject.target, subject.revision, readContext(subject.store, AbortSignal.abort()))).rejects.toThrow();
    });
  });

  describe(`${harness.name}: repairing`, () => {
    it('staging disturbs nothing, finalizing makes it clean, rolling back restores it to the byte', async () => {
      const { subject, before, plan } = await drifted();
      const staged = await stage(subject, plan);
      expect(subject.live()).toEqual(before);
      await provider.finalize(plan, staged, at(subject, 'finalize'));
      expect(await see(subject)).toMatchObject({ verdict: 'clean' });
      const resources = [...new Set(plan.changes.map((change) => change.resource))];
      const restored = await provider.rollback(plan, staged, at(subject, 'rollback'));
      expect({ ...restored, restored: [...restored.restored].sort() }).toEqual({ restored: resources.sort(), failed: [] });
      expect(subject.live()).toEqual(before);
    });

    it('a repair contains its changes only', async () => {
      const subject = await fresh();
      subject.drift();
      const observation = await see(subject);
      for (const change of observation.changes.filter((each) => each.kind === 'changed').slice(0, 3)) {
        const plan = await planFor(subject, [change]);
        const staged = await stage(subject, plan);
        await provider.finalize(plan, staged, at(subject, 'finalize'));
        const left = await see(subject);
        expect(left.changes.map((each) => each.fingerprint)).toEqual(observation.changes.filter((each) => each !== change).map((each) => each.fingerprint));
        await provider.rollback(plan, staged, at(subject, 'rollback'));
        await provider.cleanup(plan, staged, at(subject, 'cleanup'), { keepSnapshot: false });
        rmSync(join(subject.store.folder, 'intents.jsonl'));
      }
    });

    it('each step twice is each step once, with another work folder each time', async () => {
      const { subject, before, plan } = await drifted();
      const staged = await stage(subject, plan);
      expect(await stage(subject, plan)).toEqual(staged);
      expect(subject.live()).toEqual(before);
      for (let time = 0; time < 2; time += 1) {
        await provider.finalize(plan, staged, at(subject, 'finalize'));
        expect(await see(subject)).toMatchObject({ verdict: 'clean' });
      }
      for (let time = 0; time < 2; time += 1) {
        expect((await provider.rollback(plan, staged, at(subject, 'rollback'))).failed).toEqual([]);
        expect(subject.live()).toEqual(before);
      }
      for (let time = 0; time < 2; time += 1) await provider.cleanup(plan, staged, at(subject, 'cleanup'), { keepSnapshot: false });
      expect(subject.live()).toEqual(before);
    });

    it('a repair that has ended can still be undone while its snapshot is kept', async () => {
      const { subject, before, plan } = await drifted();
      const staged = await stage(subject, plan);
      await provider.finalize(plan, staged, at(subject, 'finalize'));
      await provider.cleanup(plan, staged, at(subject, 'cleanup'), { keepSnapshot: true });
      expect(await see(subject)).toMatchObject({ verdict: 'clean' });
      expect((await provider.rollback(plan, staged, at(subject, 'rollback'))).failed).toEqual([]);
      expect(subject.live()).toEqual(before);
    });

    it('a live state that moved since the plan is refused before anything is written', async () => {
      const { subject, plan } = await drifted();
      const staged = await stage(subject, plan);
      subject.moveDrift();
      const found = subject.live();
      await expect(provider.finalize(plan, staged, at(subject, 'finalize'))).rejects.toMatchObject({ failure: 'Moved' });
      await expect(stage(subject, plan)).rejects.toMatchObject({ failure: 'Moved' });
      expect(subject.live()).toEqual(found);
    });

    it('what a third hand wrote after the repair is not overwritten by the rollback, and is named', async () => {
      const { subject, plan } = await drifted();
      const staged = await stage(subject, plan);
      await provider.finalize(plan, staged, at(subject, 'finalize'));
      subject.moveDrift();
      const { failed } = await provider.rollback(plan, staged, at(subject, 'rollback'));
      expect(failed.length).toBeGreaterThan(0);
      const again = await provider.rollback(plan, staged, at(subject, 'rollback'));
      expect(again.failed).toEqual(failed);
    });

    it('a late writer whose intent is refused writes nothing', async () => {
      const { subject, before, plan } = await drifted();
      const staged = await stage(subject, plan);
      await expect(provider.finalize(plan, staged, writeContext(subject.store, 'finalize', { fenced: () => true }))).rejects.toMatchObject({ failure: 'Fenced' });
      expect(subject.live()).toEqual(before);
    });

    it('every write is intended before it and its outcome recorded after it', async () => {
      const { subject, plan } = await drifted();
      const staged = await stage(subject, plan);
      await provider.finalize(plan, staged, at(subject, 'finalize'));
      const lines = intents(subject.store);
      for (const key of new Set(lines.map((line) => line.key))) expect(lines.filter((line) => line.key === key).at(-1), key).toMatchObject({ ok: true });
    });

    it('an artifact that is lost is said to be lost, and nothing is written', async () => {
      const { subject, before, plan } = await drifted();
      const staged = await stage(subject, plan);
      rmSync(join(subject.store.folder, 'artifacts'), { recursive: true });
      await expect(provider.finalize(plan, staged, at(subject, 'finalize'))).rejects.toMatchObject({ failure: 'ArtifactLost' });
      expect(subject.live()).toEqual(before);
    });

    it('secrets leave nowhere', async () => {
      const { subject, plan } = await drifted();
      const observation = await see(subject);
      const staged = await stage(subject, plan);
      await provider.finalize(plan, staged, at(subject, 'finalize'));
      subject.moveDrift();
      const restored = await provider.rollback(plan, staged, at(subject, 'rollback'));
      const open = JSON.stringify([observation, plan, staged, restored]) + saidIn(subject.store);
      expect(open).not.toContain(CANARY);
      expect(observation.changes.some((change) => change.sensitive)).toBe(true);
    });
  });

  describeAdopting(harness, fresh);

  describe(`${harness.name}: a crash after every external call`, () => {
    /** Kills the step at its calls in turn, and has `after` judge what the next attempt makes of it. */
    async function atEvery(stride: number, step: Step, prepare: (subject: Subject, plan: Plan) => Promise<Staged | undefined>, after: (input: { subject: Subject; before: unknown; plan: Plan; staged: Staged | undefined }) => Promise<void>): Promise<number> {
      for (let killAt = 1; ; killAt += stride) {
        const { subject, before, plan } = await drifted();
        const staged = await prepare(subject, plan);
        const { survived } = crash(subject, step, { plan, killAt, ...(staged === undefined ? {} : { staged }) });
        await after({ subject, before, plan, staged });
        subject.dispose();
        if (survived) return killAt;
      }
    }

    it('of stage: live is untouched, and the next attempt goes on', async () => {
      const crashes = await atEvery(3, 'stage', async () => undefined, async ({ subject, before, plan }) => {
        expect(subject.live()).toEqual(before);
        const staged = await stage(subject, plan);
        expect(subject.live()).toEqual(before);
        await provider.finalize(plan, staged, at(subject, 'finalize'));
        expect(await see(subject)).toMatchObject({ verdict: 'clean' });
      });
      expect(crashes).toBeGreaterThan(3);
    }, 120_000);

    it('of finalize: the next attempt ends in the desired state, and a rollback of that in the snapshot', async () => {
      const crashes = await atEvery(1, 'finalize', stage, async ({ subject, before, plan, staged }) => {
        if (staged === undefined) return;
        await provider.finalize(plan, staged, at(subject, 'finalize'));
        expect(await see(subject)).toMatchObject({ verdict: 'clean' });
        expect((await provider.rollback(plan, staged, at(subject, 'rollback'))).failed).toEqual([]);
        expect(subject.live()).toEqual(before);
      });
      expect(crashes).toBeGreaterThan(3);
    }, 120_000);

    it('of finalize: a rollback from there ends in the snapshot', async () => {
      await atEvery(2, 'finalize', stage, async ({ subject, before, plan, staged }) => {
        if (staged === undefined) return;
        expect((await provider.rollback(plan, staged, at(subject, 'rollback'))).failed).toEqual([]);
        expect(subject.live()).toEqual(before);
      });
    }, 120_000);

    it('of rollback: the next attempt ends in the snapshot', async () => {
      const finalized = async (subject: Subject, plan: Plan): Promise<Staged> => {
        const staged = await stage(subject, plan);
        await provider.finalize(plan, staged, at(subject, 'finalize'));
        return staged;
      };
      const crashes = await atEvery(1, 'rollback', finalized, async ({ subject, before, plan, staged }) => {
        if (staged === undefined) return;
        expect((await provider.rollback(plan, staged, at(subject, 'rollback'))).failed).toEqual([]);
        expect(subject.live()).toEqual(before);
      });
      expect(crashes).toBeGreaterThan(3);
    }, 120_000);
  });
}
