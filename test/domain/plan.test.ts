import { describe, expect, it } from 'vitest';
import { hashJson } from '../../src/digest.js';
import { makePlan } from '../../src/domain/plan.js';
import { change, plan, type PlanInput } from './build.js';

const BASE = plan();
const STEP = { action: 'update', resource: 'etc/app.yaml', summary: 'write etc/app.yaml' } as const;

describe('the hash of a plan', () => {
  it.each<{ moved: Partial<PlanInput>; reason: string }>([
    { moved: { environment: 'dev' }, reason: 'another environment' },
    { moved: { target: 'search' }, reason: 'another target' },
    { moved: { provider: 'exec' }, reason: 'another engine' },
    { moved: { spec: { root: '/srv/other' } }, reason: 'another place to write' },
    { moved: { changes: [change({ actual: 3 })] }, reason: 'the live value moved' },
    { moved: { changes: [change({ desired: 3 })] }, reason: 'the desired value moved' },
    { moved: { changes: [change({ revision: 'r2' })] }, reason: 'the resource is desired otherwise' },
    { moved: { changes: [change(), change({ path: '/host' })] }, reason: 'one change more' },
    { moved: { changes: [] }, reason: 'one change less' },
    { moved: { steps: [{ ...STEP, detail: { digest: 'd2' } }] }, reason: 'the detail of a step is what runs, not its text' },
    { moved: { steps: [{ ...STEP, summary: 'other words', detail: { digest: 'd1' } }] }, reason: 'what was read is what was approved' },
    { moved: { steps: [{ ...STEP, action: 'delete', detail: { digest: 'd1' } }] }, reason: 'another action' },
    { moved: { steps: [] }, reason: 'a step less' },
    { moved: { blastRadius: { create: 0, update: 2, replace: 0, delete: 0 } }, reason: 'another blast radius' },
    { moved: { staging: 'dry-run' }, reason: 'another way of staging' },
    { moved: { rollback: 'forward-only' }, reason: 'another way back' },
    { moved: { fencing: 'none' }, reason: 'no fence' },
    { moved: { sealed: 'keyed digest' }, reason: 'a secret input came in' },
  ])('moves: $reason', ({ moved }) => {
    expect(plan(moved).hash).not.toBe(BASE.hash);
  });

  it('moves with the keyed digest of what must not be shown', () => {
    expect(plan({ sealed: 'one' }).hash).not.toBe(plan({ sealed: 'two' }).hash);
  });

  it.each<{ kept: Partial<PlanInput>; reason: string }>([
    { kept: { changes: [change({ by: 'alice' })] }, reason: 'who made the change became known' },
    { kept: { changes: [change({ text: '-1\n+2' })] }, reason: 'another picture of the same change' },
    { kept: { spec: Object.fromEntries(Object.entries({ root: '/srv/shop' }).reverse()) }, reason: 'another order of keys' },
  ])('stays: $reason', ({ kept }) => {
    expect(plan(kept).hash).toBe(BASE.hash);
  });

  it('is the same for a plan that was stored and read again', () => {
    const stored = JSON.parse(JSON.stringify(plan({ sealed: 'one' }))) as typeof BASE;
    expect(makePlan(stored, hashJson)).toEqual(stored);
  });

  it('takes nothing else from what it is made of: a member that nobody hashed cannot run', () => {
    const stowaway = { ...BASE, also: 'rm' };
    expect(makePlan(stowaway, hashJson)).toEqual(BASE);
  });

  it('keeps the whole changes for people, also what it does not hash', () => {
    expect(plan({ changes: [change({ by: 'alice', text: 'a picture' })] }).changes[0]).toMatchObject({ by: 'alice', text: 'a picture' });
  });
});
