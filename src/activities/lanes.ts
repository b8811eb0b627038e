/** Does each of many in turn, so many at a time. The first failure is thrown at once, and nothing more begins. */
export async function inLanes<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items].reverse();
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
      await work(item).catch((error: unknown) => {
        queue.length = 0;
        throw error;
      });
    }
  }));
}
