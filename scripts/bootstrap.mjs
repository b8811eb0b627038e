// Makes the dependencies present, so that no step comes before `npm start` and `npm test`. It runs
// before anything is installed, on the machine's own Node (20 or later), with nothing but Node's modules.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lib/lock.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Why the installed packages are not those of package-lock.json, or undefined when they are. */
export function whyStale(folder) {
  const wanted = packagesOf(join(folder, 'package-lock.json'));
  const present = packagesOf(join(folder, 'node_modules', '.package-lock.json'));
  if (wanted === undefined) return undefined;
  if (present === undefined) return 'nothing is installed yet';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link === true) continue;
    const found = present[path];
    // Packages for other platforms are listed and not installed.
    if (found === undefined && (entry.optional === true || entry.os !== undefined || entry.cpu !== undefined)) continue;
    if (found?.version !== entry.version) return `${path.replace(/^.*node_modules\//, '')} is ${found?.version ?? 'missing'}, wanted ${entry.version}`;
  }
  return existsSync(join(folder, 'node_modules', '.bin', 'node')) ? undefined : 'the development runtime (node 24) is missing';
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function install() {
  const entries = Object.entries(packagesOf(join(root, 'package-lock.json')) ?? {});
  const count = entries.filter(([path, entry]) => path !== '' && entry.os === undefined && entry.cpu === undefined).length;
  const started = Date.now();
  say(`installing dependencies (${whyStale(root)}): about ${count} packages, 570 MB, once; usually under a minute`);
  const ticker = setInterval(() => say(`  still installing: ${seconds(started)}`), 10_000);
  const { code, output } = await npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--no-progress']);
  clearInterval(ticker);
  if (code !== 0) {
    process.stderr.write(output);
    throw new Error(`npm ci failed after ${seconds(started)}; see its output above, then try again`);
  }
  say(`dependencies installed in ${seconds(started)}`);
}

function npm(args) {
  // The npm that started this script, and else the one on PATH.
  const own = process.env.npm_execpath;
  const [command, ...first] = own?.endsWith('.js') === true ? [process.execPath, own] : ['npm'];
  const env = { ...process.env };
  delete env.NODE_ENV;
  const child = spawn(command, [...first, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, output: `${error.message}\n` }));
    child.once('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString() }));
  });
}

function seconds(started) {
  return `${Math.round((Date.now() - started) / 1000)} s`;
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

async function main() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Error(`Node ${process.versions.node} is too old to begin with; install Node 20 or later`);
  }
  if (whyStale(root) === undefined) return;
  await withLock('install', root, say, async () => {
    if (whyStale(root) !== undefined) await install();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    say(error.message);
    process.exitCode = 1;
  });
}
