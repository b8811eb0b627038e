import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/domain/errors.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { files } from '../../src/providers/files/index.js';
import type { Provider } from '../../src/providers/provider.js';
import { incidentWorkflowId } from '../../src/workflows/messages.js';
import { openBench, openIncident, SHOP } from './bench.js';

const OBSERVED = { environment: SHOP.environment, targets: [SHOP.target], commits: {} };
const RUN_ID = incidentWorkflowId(SHOP.environment, SHOP.target);
const HOUR = 3_600_000;

describe('without a ledger', () => {
  it('the first attempt is tried again; the next one looks, counts what it saw, opens nothing, and the check after it finds it', async () => {
    const on = await openBench();
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    const away = { ledger: { ...on.ledger, observed: () => Promise.reject(new HoldfastError('Unreachable', 'the ledger is away')) } satisfies Ledger };
    await expect(on.run('observe', OBSERVED, { worker: away })).rejects.toMatchObject({ type: 'Unreachable', nonRetryable: false });
    expect(await on.run('observe', OBSERVED, { worker: away, attempt: 2 })).toEqual({ clean: 0, drifted: 1, unknown: 0, unrecorded: 1 });
    expect(on.temporal.started).toEqual([]);
    expect(await on.check()).toEqual({ clean: 0, drifted: 1, unknown: 0, opened: [SHOP.target] });
  });
});

describe('an engine that is asked too often', () => {
  function throttled(asked: { count: number; refuse: boolean }, retryAfterMs?: number): Provider {
    return { ...files, observe: async (...input) => {
      asked.count += 1;
      if (asked.refuse) throw new HoldfastError('Throttled', 'too many requests', retryAfterMs === undefined ? {} : { retryAfterMs });
      return files.observe(...input);
    } };
  }

  it('is left alone for as long as it asked, unknown meanwhile, and looked at again afterwards', async () => {
    const asked = { count: 0, refuse: true };
    const on = await openBench({ deps: { providers: { files: throttled(asked, HOUR / 2) } }, target: { blindAfterMs: 10 * HOUR } });
    for (let minute = 0; minute < 30; minute += 1) {
      expect(await on.check()).toMatchObject({ unknown: 1, clean: 0, drifted: 0 });
      on.later(60_000);
    }
    expect(asked.count).toBe(1);
    expect((await on.ledger.lastObservation(SHOP))?.reason).toContain('throttled');
    asked.refuse = false;
    on.later(HOUR / 2);
    expect(await on.check()).toMatchObject({ clean: 1, unknown: 0 });
  });

  it('that names no time is asked less and less often, and from the start again once it has answered', async () => {
    const asked = { count: 0, refuse: true };
    const on = await openBench({ deps: { providers: { files: throttled(asked) } }, target: { blindAfterMs: 10 * HOUR } });
    for (let minute = 0; minute < 60; minute += 1) {
      await on.check();
      on.later(60_000);
    }
    // 15 s, 30 s, 1 min, 2 min, 4 min, …: by each minute's check 8 times at the most.
    expect(asked.count).toBeGreaterThan(3);
    expect(asked.count).toBeLessThan(9);
  });
});

describe('a run whose incident the record does not know', () => {
  it('is cancelled and told of, its number is not used again, and the drift is opened anew once it has ended', async () => {
    const on = await openBench();
    on.temporal.runs.set(RUN_ID, { status: 'RUNNING', runId: 'lost', memo: { incident: 4 } });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    expect(on.temporal.cancelled).toContain(RUN_ID);
    expect(on.told[0]).toMatchObject({ event: 'needs-human', title: 'prod/storefront#4 was cancelled: the record does not know it' });
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 5 });
    expect(on.temporal.started.filter((each) => each.type === 'incident')).toEqual([]);
    on.temporal.runs.set(RUN_ID, { status: 'CANCELLED', runId: 'lost', memo: { incident: 4 } });
    await on.check();
    expect(on.temporal.started.filter((each) => each.type === 'incident')).toMatchObject([{ workflowId: RUN_ID, args: [{ incident: { number: 5 } }] }]);
  });

  it('is found where nothing differs too, at the first look of the new record', async () => {
    const on = await openBench();
    on.temporal.runs.set(RUN_ID, { status: 'RUNNING', runId: 'lost', memo: { incident: 2 } });
    expect(await on.check()).toMatchObject({ clean: 1 });
    expect(on.temporal.cancelled).toEqual([RUN_ID]);
  });
});

describe('an incident whose run Temporal does not know any more', () => {
  it('ends as terminated, and its drift is opened anew, since nobody has decided anything', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    await openIncident(on);
    on.temporal.runs.clear();
    await on.check();
    expect(await on.ledger.incident(SHOP, 1)).toMatchObject({ outcome: 'terminated', narrative: expect.stringContaining('Temporal does not know its run any more. What still differs is opened anew.') as string });
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 2, phase: 'deciding' });
  });

  it('that was writing is waited for as long as its step may run, and then ends too', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const fence = await on.ledger.takeFence({ address: SHOP, step: 'finalize', attempt: 1, run: 'lost', at: on.at() });
    await on.ledger.intend({ ...SHOP, number: 1, key: 'finalize/write', step: 'finalize', write: 'write etc/app.yaml', resource: 'etc/app.yaml', plan: part.plan ?? '', fence, at: on.at() });
    on.temporal.runs.clear();
    on.later(9 * 60_000);
    await on.check();
    expect((await on.ledger.incident(SHOP, 1))?.closedAt).toBeUndefined();
    on.later(60_000);
    await on.check();
    expect(await on.ledger.incident(SHOP, 1)).toMatchObject({ outcome: 'terminated', narrative: expect.stringContaining('Left half done, look at: etc/app.yaml') as string });
  });
});
