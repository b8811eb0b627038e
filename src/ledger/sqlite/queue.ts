/** The last in line, by the file's real path. */
const lines = new Map<string, Promise<unknown>>();

/**
 * One write of this process at a time for each file, however many ledgers it has open: a second
 * `BEGIN IMMEDIATE` would hold up the thread on which the first has to go on.
 */
export function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = (lines.get(path) ?? Promise.resolve()).then(work);
  const ended = mine.then(() => undefined, () => undefined).finally(() => {
    if (lines.get(path) === ended) lines.delete(path);
  });
  lines.set(path, ended);
  return mine;
}

/** Settles when what stands in line now has ended. */
export async function lineEnded(path: string): Promise<void> {
  await lines.get(path);
}
