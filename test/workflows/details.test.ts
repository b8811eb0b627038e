import { describe, expect, it } from 'vitest';
import { statusOf } from '../../src/workflows/details.js';
import type { IncidentRun } from '../../src/workflows/state.js';

function run(overrides: Partial<IncidentRun>): IncidentRun {
  return { input: { incident: { environment: 'prod', target: 'shop', number: 7 }, kind: 'blind', pool: 'prod' }, parts: [], ended: [], ...overrides } as IncidentRun;
}

describe('what the status query says of an incident without parts', () => {
  it('of a target that cannot be read: what it waits for, and the command that looks at once', () => {
    expect(statusOf(run({}))).toEqual({ incident: 'prod/shop#7', phase: 'observed', waitsFor: 'a check that reads it; nothing is repaired meanwhile: holdfast check prod/shop --remote', parts: [] });
  });

  it('nothing once it has ended', () => {
    expect(statusOf(run({ outcome: 'cleared' }))).toEqual({ incident: 'prod/shop#7', phase: 'closed', outcome: 'cleared', parts: [] });
  });
});
