import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/domain/phase.js';
import type { IncidentStatus } from '../../src/workflows/messages.js';
import { DECIDING } from '../histories/deciding-scenarios.js';
import { historyText, readHistory, type History } from '../histories/format.js';
import type { Scenario } from '../histories/playing.js';
import { playScenario } from '../histories/record.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { newNamespace } from '../support/laboratory.js';
import { payloadConverterPath, workflowBundle } from '../support/workflow-bundle.js';

const FOLDER = new URL('../histories/', import.meta.url).pathname;
const VERSIONS = (await readdir(FOLDER, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();

/** How each of them ends; nothing for a run that went on as another. */
const DECIDED: Readonly<Record<string, readonly Outcome[]>> = {
  voted: ['fixed'], 'voted-and-rejected': ['rejected'], 'voted-across-runs-1': [], 'voted-across-runs-2': ['fixed'],
  'escalated-and-approved': ['fixed'], 'escalated-and-expired': ['expired'], 'question-that-stood-still': ['fixed'], 'glass-broken': ['fixed'],
  adopted: ['adopted'], 'not-adopted': ['rejected'], 'let-through-by-a-half-open-breaker': ['fixed'],
  'kept-and-switched': ['fixed'], 'kept-and-unstaged': ['fixed'], 'kept-and-frozen': ['fixed'], 'kept-and-cancelled': ['cancelled'],
};

const LANES = 5;

let bundle: { code: string };

beforeAll(async () => {
  bundle = await workflowBundle();
}, 120_000);

async function recorded(version: string): Promise<{ name: string; history: History }[]> {
  const names = (await readdir(join(FOLDER, version))).sort();
  return Promise.all(names.map(async (name) => ({ name, history: readHistory(await readFile(join(FOLDER, version, name), 'utf8')) })));
}

async function replay(histories: readonly { name: string; history: History }[]): Promise<Map<string, Error | undefined>> {
  const results = new Map<string, Error | undefined>();
  const options = { workflowBundle: bundle, dataConverter: { payloadConverterPath } };
  const named = histories.map(({ name, history }) => ({ workflowId: name, history }));
  for await (const { workflowId, error } of Worker.runReplayHistories(options, named)) results.set(workflowId, error);
  return results;
}

describe.each(VERSIONS)('the histories of %s', (version) => {
  it('replay with this code, because an incident of an earlier release goes on with it', async () => {
    const histories = await recorded(version);
    const results = await replay(histories);
    expect(results.size).toBe(histories.length);
    for (const [name, error] of results) expect(error, `${version}/${name}: ${error?.message ?? ''}`).toBeUndefined();
  });

  it('hold every kind of workflow', async () => {
    const types = (await recorded(version)).map(({ history }) => history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name);
    expect([...new Set(types)].sort()).toEqual(['checkEnvironment', 'environment', 'incident']);
  });

  it('hold every outcome that a workflow can come to', async () => {
    const outcomes = (await recorded(version)).flatMap(({ history }) => outcomesOf(history));
    const reachable: Outcome[] = ['fixed', 'rolled-back', 'accepted', 'rejected', 'expired', 'cleared', 'needs-human', 'cancelled', 'terminated'];
    expect([...new Set(outcomes)].sort()).toEqual(reachable.sort());
  });

  it('say nothing of where they were recorded, and are small', async () => {
    for (const name of await readdir(join(FOLDER, version))) {
      const text = await readFile(join(FOLDER, version, name), 'utf8');
      expect(text.length, name).toBeLessThan(200_000);
      expect(text, name).not.toMatch(/"identity":"(?!recorded)|stackTrace|@[a-z0-9-]+-[0-9a-f]{12,}/);
    }
  });
});

describe('the paths of deciding', () => {
  it('replay as they are written, and end as they must', async () => {
    const server = await devServer();
    try {
      const lanes = await Promise.allSettled(Array.from({ length: LANES }, (_, lane) => playedIn(server, DECIDING.filter((_, index) => index % LANES === lane))));
      expect(lanes.flatMap((lane) => (lane.status === 'rejected' ? [String(lane.reason)] : []))).toEqual([]);
      const played = lanes.flatMap((lane) => (lane.status === 'fulfilled' ? lane.value : []));
      const results = await replay(played);
      expect(results.size).toBe(played.length);
      for (const [name, error] of results) expect(error, `${name}: ${error?.message ?? ''}`).toBeUndefined();
      expect(Object.fromEntries(played.map(({ name, history }) => [name, outcomesOf(history)]))).toEqual(DECIDED);
    } finally {
      await server.stop();
    }
  }, 180_000);
});

describe('a replay', () => {
  it('finds code that does something else than what was recorded', async () => {
    const version = VERSIONS.at(-1) ?? '';
    const [one] = (await recorded(version)).filter(({ name }) => name === 'fixed.json');
    if (one === undefined) throw new Error('no history of a repair was recorded');
    const scheduled = one.history.events.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'finalize');
    const type = scheduled?.activityTaskScheduledEventAttributes?.activityType;
    if (type === null || type === undefined) throw new Error('the history holds no finalize');
    type.name = 'validate';
    expect((await replay([one])).get('fixed.json')).toBeInstanceOf(DeterminismViolationError);
  });
});

/** One after the other, in a namespace of their own: workers of two scenarios would take each other's tasks. */
async function playedIn(server: DevServer, scenarios: readonly Scenario[]): Promise<readonly { name: string; history: History }[]> {
  const env = await TestWorkflowEnvironment.createFromExistingServer(await newNamespace(server.address));
  try {
    const played = [];
    for (const scenario of scenarios) for (const { name, history } of await playScenario(env, scenario)) played.push({ name, history: readHistory(historyText(history)) });
    return played;
  } finally {
    await env.teardown();
  }
}

function outcomesOf({ events }: History): Outcome[] {
  const last = events.at(-1);
  if (last?.workflowExecutionTerminatedEventAttributes) return ['terminated'];
  if (last?.workflowExecutionCanceledEventAttributes) return ['cancelled'];
  const [payload] = last?.workflowExecutionCompletedEventAttributes?.result?.payloads ?? [];
  if (payload === undefined) return [];
  const { parts = [] } = defaultPayloadConverter.fromPayload<Partial<IncidentStatus>>(payload);
  return parts.flatMap((part) => part.outcome ?? []);
}
