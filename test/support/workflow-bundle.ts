import { bundleWorkflowCode, DefaultLogger, Runtime } from '@temporalio/worker';

export const payloadConverterPath = new URL('../../src/workflows/payload-converter.ts', import.meta.url).pathname;

let bundled: Promise<{ code: string }> | undefined;

/** Failures that a test provokes are no news. */
export function quietRuntime(): void {
  try {
    Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } } });
  } catch {
    // Another file of this process installed it.
  }
}

/** The workflow code of `src`, bundled once per test file. */
export function workflowBundle(): Promise<{ code: string }> {
  quietRuntime();
  return (bundled ??= bundleWorkflowCode({
    workflowsPath: new URL('../../src/workflows/index.ts', import.meta.url).pathname,
    payloadConverterPath,
    failureConverterPath: new URL('../../src/workflows/failure-converter.ts', import.meta.url).pathname,
    logger: new DefaultLogger('ERROR'),
  }));
}
