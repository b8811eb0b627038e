/** Runs jobs side by side, at most `lanes` at once and in their order; each one's result can be awaited alone. */
export function inLanes<T>(lanes: number, jobs: readonly (() => Promise<T>)[]): readonly Promise<T>[] {
  let free = lanes;
  const waiting: (() => void)[] = [];
  return jobs.map(async (job) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  });
}
