import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CommandCheck, MeasurementResult } from '../../src/domain/health.js';
import { measureCommand } from '../../src/health/command.js';
import { context, nodeCheck } from './support.js';

const CANARY = 'canary-77ab01';

describe('measureCommand', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'holdfast-command-')); });
  afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

  const ends: { reason: string; script: string; more?: Partial<CommandCheck>; result: MeasurementResult; message: string }[] = [
    { reason: 'exit 0, whatever it says', script: 'console.error("warning")', result: 'success', message: 'exit 0' },
    { reason: 'another exit', script: 'process.exit(3)', result: 'failure', message: 'exit 3' },
    { reason: 'the first line of standard error, without what acts on a terminal', script: 'console.error("\\u001b[31mdisk\\u0007 full\\u202e\\u001b[0m\\nsecond"); process.exit(1)', result: 'failure', message: 'exit 1: disk full' },
    { reason: 'the exit that says it cannot tell', script: 'process.exit(75)', more: { inconclusiveExit: 75 }, result: 'inconclusive', message: 'exit 75' },
    { reason: 'an end by a signal', script: 'process.kill(process.pid, "SIGKILL")', result: 'failure', message: 'ended by SIGKILL' },
    { reason: 'a hang', script: 'setInterval(() => {}, 1000)', more: { timeoutMs: 300 }, result: 'failure', message: 'did not end within 300 ms' },
    { reason: 'no such program', script: '', more: { command: ['holdfast-no-such-program'] }, result: 'error', message: 'the command could not be started (ENOENT)' },
  ];
  it.each(ends)('$result for $reason', async ({ script, more, result, message }) => {
    expect(await measureCommand(nodeCheck(script, more), context())).toMatchObject({ result, message });
  });

  it('passes arguments as they are, since no shell reads them', async () => {
    const script = 'process.exit(process.argv[1] === "$(id); `id`" ? 0 : 1)';
    expect(await measureCommand(nodeCheck(script, { command: [process.execPath, '-e', script, '$(id); `id`'] }), context())).toMatchObject({ result: 'success' });
  });

  it('shows at most 200 characters', async () => {
    const { message } = await measureCommand(nodeCheck('console.error("x".repeat(1e6)); process.exitCode = 1'), context());
    expect(message).toHaveLength('exit 1: '.length + 200);
  });

  it('ends the whole group of a command that ignores SIGTERM', async () => {
    const pids = join(folder, 'pids');
    const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);';
    const script = `${stubborn} const { pid } = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(stubborn)}], { stdio: "inherit" });
      require("node:fs").writeFileSync(${JSON.stringify(pids)}, process.pid + " " + pid);`;
    expect(await measureCommand(nodeCheck(script, { timeoutMs: 700 }), context())).toMatchObject({ result: 'failure', message: 'did not end within 700 ms' });
    for (const pid of readFileSync(pids, 'utf8').split(' ')) await vi.waitFor(() => { expect(isRunning(Number(pid))).toBe(false); });
  });

  it('does not wait for what the command leaves behind, and ends it', async () => {
    const pid = join(folder, 'pid');
    const script = `const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
      require("node:fs").writeFileSync(${JSON.stringify(pid)}, String(child.pid)); child.unref();`;
    expect(await measureCommand(nodeCheck(script), context())).toMatchObject({ result: 'success' });
    await vi.waitFor(() => { expect(isRunning(Number(readFileSync(pid, 'utf8')))).toBe(false); });
  });

  it('is given resolved secrets but not the environment of this process, and shows neither', async () => {
    vi.stubEnv('HOLDFAST_TEST_CANARY', CANARY);
    const script = 'console.error(process.env.TOKEN, process.env.HOLDFAST_TEST_CANARY); process.exit(process.env.TOKEN === "Bearer s3cret-value" ? 1 : 2)';
    const check = nodeCheck(script, { env: { TOKEN: 'Bearer ${env:T}' } });
    const measurement = await measureCommand(check, context({ resolveSecret: () => Promise.resolve('s3cret-value') }));
    expect(measurement.message).toBe('exit 1: Bearer *** undefined');
    vi.unstubAllEnvs();
  });
});

/** A process that was ended but not yet reaped by whoever has it as its child still has an id. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}
