import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 100;

/** Asks until the answer is there; after `timeoutMs` it fails with what was last seen. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined, { timeoutMs = 120_000, last }: { readonly timeoutMs?: number; readonly last?: () => unknown } = {}): Promise<T> {
  const until = Date.now() + timeoutMs;
  let problem: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    if (Date.now() > until) {
      const seen = last === undefined ? '' : `; last seen: ${JSON.stringify(await last())}`;
      throw new Error(`not within ${timeoutMs / 1000} s: ${what}${seen}`, { cause: problem });
    }
    await sleep(EVERY_MS);
  }
}
