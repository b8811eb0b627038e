import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const MAIN = `
export async function main(argv) {
  if (argv[0] === 'sqlite') { await import('node:sqlite'); process.emitWarning('something else'); }
  if (argv[0] === 'wait') { await new Promise((done) => { const timer = setInterval(() => 0, 1000); process.once('SIGTERM', () => { clearInterval(timer); done(); }); console.log('waiting'); }); return 9; }
  if (argv[0] === 'throw') throw new Error('a fault');
  console.log(JSON.stringify({ node: process.versions.node, argv }));
  return argv[0] === 'drift' ? 2 : 0;
}
`;

let folder: string;
let launcher: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-launcher-'));
  cpSync(join(import.meta.dirname, '..', '..', 'bin'), join(folder, 'package', 'bin'), { recursive: true });
  launcher = join(folder, 'package', 'bin', 'holdfast');
  mkdirSync(join(folder, 'package', 'dist', 'cli'), { recursive: true });
  writeFileSync(join(folder, 'package', 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'package', 'dist', 'cli', 'main.js'), MAIN);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** How to run an old Node: one that this machine has, or else the present one saying that it is old. */
function oldNode(): readonly [string, ...string[]] {
  for (const path of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(path, 'node');
    if (existsSync(node) && Number(execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' })) < 22) return [node];
  }
  const disguise = join(folder, 'disguise.cjs');
  writeFileSync(disguise, "if (!process.env.HOLDFAST_NODE) Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });");
  return [process.execPath, '--require', disguise];
}

function run(node: readonly [string, ...string[]], args: readonly string[], program = launcher): SpawnSyncReturns<string> {
  const [command, ...first] = node;
  return spawnSync(command, [...first, program, ...args], { encoding: 'utf8', timeout: 30_000 });
}

function offerNode(at: string): void {
  mkdirSync(join(at, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(process.execPath, join(at, 'node_modules', '.bin', 'node'));
}

describe('on a Node that is new enough', () => {
  test('gives its arguments on and ends with the code of the command', () => {
    expect(JSON.parse(run([process.execPath], ['status', '--', '-x']).stdout)).toEqual({ node: process.versions.node, argv: ['status', '--', '-x'] });
    expect(run([process.execPath], ['drift']).status).toBe(2);
  });

  test('is quiet about SQLite and about nothing else', () => {
    const { stderr } = run([process.execPath], ['sqlite']);
    expect(stderr).not.toContain('SQLite');
    expect(stderr).toContain('something else');
  });

  test('works through the link that npm makes for it', () => {
    symlinkSync(launcher, join(folder, 'holdfast'));
    expect(run([process.execPath], ['status'], join(folder, 'holdfast')).status).toBe(0);
  });

  test('says that it is not built, in one line', () => {
    rmSync(join(folder, 'package', 'dist'), { recursive: true });
    const { status, stderr } = run([process.execPath], ['status']);
    expect(status).toBe(1);
    expect(stderr).toBe('holdfast is not built yet. In a clone, run: npm run build\n');
  });

  test('shows a fault without a stack', () => {
    const { status, stderr } = run([process.execPath], ['throw']);
    expect(status).toBe(1);
    expect(stderr).toBe('holdfast ended unexpectedly: a fault\n');
  });
});

describe('on an old Node', () => {
  test.each(['package', '.'])('hands over to the Node that lies in %s', (at) => {
    offerNode(join(folder, at));
    const result = run(oldNode(), ['drift', 'prod']);
    expect(JSON.parse(result.stdout)).toEqual({ node: process.versions.node, argv: ['drift', 'prod'] });
    expect(result.status).toBe(2);
  });

  test('without another says what it needs and how to get it', () => {
    const { status, stdout, stderr } = run(oldNode(), ['status']);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^holdfast needs Node 22\.13 or later; this is [\d.]+\. Install a newer Node, or add one beside the package: npm install node@24\n$/);
  });

  test('passes a request to end on, because the one that was started is the one that gets it', async () => {
    offerNode(folder);
    const [command, ...first] = oldNode();
    const child = spawn(command, [...first, launcher, 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([9, null]);
  });
});
