import { defineConfig } from 'vitest/config';

/** These share a Temporal server, ports or the machine's clock: one file at a time, after the rest. */
const SERIAL = ['test/workflows/**/*.test.ts', 'test/faults/**/*.test.ts', 'test/e2e/**/*.test.ts', 'test/temporal/**/*.test.ts'];

/** These start real processes too, but each has its own. */
const PROCESSES = ['test/ledger/{postgres*,processes}.test.ts', 'test/embedded/**/*.test.ts', 'test/deploy/**/*.test.ts', 'test/examples/**/*.test.ts', 'test/health/command.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The concurrent tests of one file wait for processes and timers most of the time.
    maxConcurrency: 8,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...SERIAL, ...PROCESSES], maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // Many real processes on few cores: what fails once is tried once more before it counts, and is told at the end.
        test: { name: 'processes', include: PROCESSES, maxWorkers: 2, retry: 1, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'serial', include: SERIAL, fileParallelism: false, retry: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
