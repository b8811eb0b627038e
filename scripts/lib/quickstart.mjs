// The quickstart's three services: processes of their own, which outlive Holdfast's death and are
// taken over by the next start.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, open, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { commandOf, endProcess } from '../../dist/embedded/process.js';
import { identityOf, isRunning, parseIdentity } from '../../dist/system/process.js';

const USUAL_LOAD = { dev: 10, staging: 10, prod: 60 };
const READY_MS = 10_000;

/** Where everything of one environment lies below the quickstart's folder. */
export function placesOf(folder, environment) {
  const state = join(folder, '.holdfast', 'services', environment);
  const live = join(folder, '.holdfast', 'live', environment);
  return {
    desired: join(folder, 'desired', environment),
    live,
    current: join(live, 'current'),
    state,
    load: join(state, 'load.json'),
    pidFile: join(state, 'pid'),
    record: join(state, 'service.json'),
    log: join(state, 'service.log'),
  };
}

/** Names and ports, from the quickstart's own configuration. */
export async function environmentsOf(folder) {
  const { environments } = parse(await readFile(join(folder, 'holdfast.yaml'), 'utf8'));
  return Object.entries(environments).map(([name, { vars }]) => ({ name, port: vars.port }));
}

export async function startServices(folder, say) {
  for (const environment of await environmentsOf(folder)) {
    await seed(folder, environment.name, say);
    const url = `http://127.0.0.1:${environment.port}/`;
    const running = await runningService(folder, environment.name);
    if (running !== undefined && (await answersAs(nameOf(environment.name), environment.port))) {
      say(`  ${environment.name.padEnd(8)} ${url}  (still running, process ${running.pid})`);
      continue;
    }
    if (running !== undefined) await endProcess(running, 2000);
    const { pid } = await startService(folder, environment);
    say(`  ${environment.name.padEnd(8)} ${url}  (process ${pid})`);
  }
}

export async function stopServices(folder) {
  for (const { name } of await environmentsOf(folder)) {
    const running = await runningService(folder, name);
    if (running !== undefined) await endProcess(running, 2000);
    const places = placesOf(folder, name);
    await rm(places.record, { force: true });
    await rm(places.pidFile, { force: true });
  }
}

/** The process that serves an environment now, when it is one that this script started. */
export async function runningService(folder, environment) {
  const text = await readFile(placesOf(folder, environment).record, 'utf8').catch(() => '{}');
  const identity = parseIdentity(JSON.parse(text).process);
  if (identity === undefined || !isRunning(identity)) return undefined;
  return (await commandOf(identity.pid))?.includes(serverOf(folder)) === true ? identity : undefined;
}

/** The outside world: how much is asked of an environment's service. */
export async function setLoad(folder, environment, requestsPerSecond) {
  await replaceFile(placesOf(folder, environment).load, `${JSON.stringify({ requestsPerSecond })}\n`);
}

export async function usualLoad(folder, environment) {
  await setLoad(folder, environment, USUAL_LOAD[environment] ?? 10);
}

/** The first release is the desired state, as after an ordinary deployment. */
async function seed(folder, environment, say) {
  const places = placesOf(folder, environment);
  await mkdir(join(folder, '.holdfast'), { recursive: true, mode: 0o700 });
  await mkdir(places.state, { recursive: true });
  if (!existsSync(places.load)) await usualLoad(folder, environment);
  if (existsSync(places.current)) return;
  const release = join(places.live, 'releases', 'first');
  await rm(release, { recursive: true, force: true });
  await cp(places.desired, release, { recursive: true });
  await symlink(join('releases', 'first'), `${places.current}.draft`).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rename(`${places.current}.draft`, places.current);
  say(`  ${environment.padEnd(8)} released for the first time into ${places.live}`);
}

async function startService(folder, { name, port }) {
  const places = placesOf(folder, name);
  if (!(await isFree(port))) {
    throw new Error(`port ${port} for the ${name} service is taken by another program; end it, or change environments.${name}.vars.port in ${join(folder, 'holdfast.yaml')}`);
  }
  const log = await open(places.log, 'w');
  const args = [serverOf(folder), '--name', nameOf(name), '--root', places.current, '--port', String(port), '--load', places.load, '--pid-file', places.pidFile];
  const child = spawn(process.execPath, args, { cwd: folder, detached: true, stdio: ['ignore', log.fd, log.fd] });
  child.unref();
  await log.close();
  const identity = child.pid === undefined ? undefined : identityOf(child.pid);
  await replaceFile(places.record, `${JSON.stringify({ process: identity, port })}\n`);
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline && identity !== undefined && isRunning(identity)) {
    if (await answersAs(nameOf(name), port)) return identity;
    await sleep(50);
  }
  const said = (await readFile(places.log, 'utf8')).trim();
  throw new Error(`the ${name} service did not start: ${said || 'it said nothing'}; to begin anew, remove ${places.live}`);
}

async function answersAs(name, port) {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2000) });
    return (await answer.json()).service === name;
  } catch {
    return false;
  }
}

function nameOf(environment) {
  return `storefront-${environment}`;
}

function serverOf(folder) {
  return join(folder, 'service', 'server.mjs');
}

async function replaceFile(file, text) {
  await writeFile(`${file}.draft`, text);
  await rename(`${file}.draft`, file);
}

function isFree(port) {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
