import type { Context } from './context.js';

/** A single line on standard error that says how far a long command is; nothing without a terminal. */
export interface Progress {
  update(text: string): void;
  /** Removes the line. */
  end(): void;
}

/** Redrawing more often than this is work that nobody sees. */
const REDRAW_MS = 80;

export function startProgress(context: Context): Progress {
  const { io } = context;
  if (!io.errTty || context.io.env['TERM'] === 'dumb') return { update: () => undefined, end: () => undefined };
  let drawn = 0;
  let shown = false;
  return {
    update: (text) => {
      const now = io.now().getTime();
      if (shown && now - drawn < REDRAW_MS) return;
      drawn = now;
      shown = true;
      io.err(`\r\u001b[2K${text.slice(0, Math.max(20, io.columns - 1))}`);
    },
    end: () => {
      if (shown) io.err('\r\u001b[2K');
      shown = false;
    },
  };
}

/** Runs `work` over all items, at most `width` at once, and returns the results in the items' order. */
export async function forEachBounded<Item, Result>(items: readonly Item[], width: number, work: (item: Item) => Promise<Result>): Promise<readonly Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next; at < items.length; at = next) {
      next = at + 1;
      const item = items[at];
      if (item !== undefined) results[at] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(Math.max(1, width), items.length) }, lane));
  return results;
}
