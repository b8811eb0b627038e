import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeEach } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from '../../src/embedded/lock.js';
import { SEARCH_ATTRIBUTES } from '../../src/embedded/search-attributes.js';
import { cacheFolder } from '../../src/embedded/cache.js';

const VERSION = '1.31.0';
const run = promisify(execFile);

/**
 * A test environment whose time skips while a result is awaited. Time is global to it: use it for one
 * test at a time, or create one for each. `teardown()` it when done.
 */
export async function timeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const path = await timeSkippingServer();
  const env = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
  // This server adds search attributes but cannot list them. 2: keyword, 3: integer.
  const searchAttributes = Object.fromEntries(Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, type === 'Int' ? 3 : 2]));
  await env.connection.operatorService.addSearchAttributes({ namespace: env.namespace ?? 'default', searchAttributes });
  return env;
}

/**
 * One environment for the tests of a file, given to each before it begins. A test that failed in its
 * middle leaves its clock and its workers behind: the next one, its own retry too, gets another.
 */
export function shareEnvironment(give: (env: TestWorkflowEnvironment) => void): void {
  let env: TestWorkflowEnvironment | undefined;
  const spoiled: TestWorkflowEnvironment[] = [];
  beforeEach(async () => {
    env ??= await timeSkippingEnvironment();
    give(env);
  }, 300_000);
  afterEach(({ task }) => {
    if (task.result?.state !== 'fail' || env === undefined) return;
    // Its workers may still be at work, so it is taken down at the end.
    spoiled.push(env);
    env = undefined;
  });
  afterAll(async () => {
    await env?.teardown();
    for (const each of spoiled) await each.teardown().catch(() => undefined);
  });
}

/** Path of a script that starts the time-skipping server on the port given as its first argument; fetched once per version. */
async function timeSkippingServer(): Promise<string> {
  const cache = cacheFolder();
  const home = join(cache, `temporal-test-server-${VERSION}`);
  const script = join(home, 'start');
  if (await exists(script)) return script;
  await mkdir(cache, { recursive: true });
  const lockFile = join(cache, 'temporal-test-server.lock');
  for (;;) {
    const result = await tryLock(lockFile);
    if (!result.held) {
      await sleep(500);
      continue;
    }
    try {
      if (!(await exists(script))) await fetchWithMaven(cache, home);
      return script;
    } finally {
      await result.lock.release();
    }
  }
}

async function fetchWithMaven(cache: string, home: string): Promise<void> {
  const draft = await mkdtemp(join(cache, 'temporal-test-server-'));
  try {
    await writeFile(join(draft, 'pom.xml'), pom());
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], { cwd: draft, timeout: 300_000 });
    const jars = await readdir(join(draft, 'lib'));
    if (!jars.some((name) => name.startsWith('temporal-test-server-'))) throw new Error('Maven copied no temporal-test-server');
    const start = join(draft, 'start');
    await writeFile(start, `#!/bin/sh\nexec java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "${home}/lib/*" io.temporal.testserver.TestServer "$1"\n`);
    await chmod(start, 0o755);
    await rm(home, { recursive: true, force: true });
    await rename(draft, home);
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    throw new Error('the time-skipping test server could not be fetched; the workflow tests need Java and Maven', { cause });
  }
}

function pom(): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>holdfast</groupId><artifactId>test-server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${VERSION}</version></dependency>
  </dependencies>
</project>
`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
