import { ServiceError, type Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { wakeAll } from '../../src/activities/incidents/waking.js';

const OPEN = ['one', 'two', 'three'].map((target) => ({ environment: 'prod', target }));

/** Answers each signal as it is told to, and remembers who heard it. */
function temporal(problems: Readonly<Record<string, Error>>): { readonly client: Client; readonly heard: string[] } {
  const heard: string[] = [];
  const getHandle = (id: string): object => ({
    signal: () => {
      const problem = problems[id.split('/')[2] ?? ''];
      if (problem !== undefined) return Promise.reject(problem);
      heard.push(id);
      return Promise.resolve();
    },
  });
  return { client: { workflow: { getHandle } } as unknown as Client, heard };
}

const gone = Object.assign(new Error('no run'), { name: 'WorkflowNotFoundError' });
const full = new ServiceError('it takes no more signals', { cause: Object.assign(new Error('limit'), { code: 3 }) });
const away = new ServiceError('the server is away', { cause: Object.assign(new Error('unavailable'), { code: 14 }) });

it('tells everybody, and fails when one could not be told, since whoever waits for an event has no timer', async () => {
  const { client, heard } = temporal({ one: away });
  await expect(wakeAll({ client }, OPEN)).rejects.toBe(away);
  expect(heard).toEqual(['incident/prod/two', 'incident/prod/three']);
});

it.each([['whose run has ended', gone], ['that takes no signal any more', full]])('one %s stops nobody from hearing it', async (_, problem) => {
  const { client, heard } = temporal({ two: problem });
  await wakeAll({ client }, OPEN);
  expect(heard).toEqual(['incident/prod/one', 'incident/prod/three']);
});
