// Ways to break the quickstart: each file of examples/drift-patterns is one, and this carries them out.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { commandOf, endProcess } from '../../dist/embedded/process.js';
import { identityOf, isRunning, parseIdentity } from '../../dist/system/process.js';
import { writeField } from './fields.mjs';
import { environmentsOf, placesOf, runningService, setLoad, usualLoad } from './quickstart.mjs';

const SECOND_WRITER = fileURLToPath(new URL('../second-writer.mjs', import.meta.url));

/** Every kind of step, and what it does. The answer of each is a line that says what it did. */
const STEPS = {
  'write-field': async (scene, { in: where, file, path, value }) => {
    const { full, shown } = await fileOf(scene, where, file);
    await writeFile(full, writeField(file, await readFile(full, 'utf8'), path, value));
    return `set ${path} to ${JSON.stringify(value)} in ${shown}`;
  },
  'write-file': async (scene, { in: where, file, content, mode }) => {
    const { full, shown } = await fileOf(scene, where, file);
    const verb = existsSync(full) ? 'wrote over' : 'wrote a new file';
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, content);
    if (mode !== undefined) await chmod(full, Number.parseInt(mode, 8));
    return `${verb} ${shown}`;
  },
  'delete-file': async (scene, { in: where, file }) => {
    const { full, shown } = await fileOf(scene, where, file);
    await rm(full, { force: true });
    return `deleted ${shown}`;
  },
  chmod: async (scene, { in: where, file, mode }) => {
    const { full, shown } = await fileOf(scene, where, file);
    const before = ((await stat(full)).mode & 0o777).toString(8).padStart(4, '0');
    await chmod(full, Number.parseInt(mode, 8));
    return `changed the mode of ${shown} from ${before} to ${mode}`;
  },
  load: async (scene, { requestsPerSecond }) => {
    await setLoad(scene.folder, scene.environment, requestsPerSecond);
    return `${requestsPerSecond} requests per second now come to ${scene.environment}`;
  },
  reload: async (scene) => {
    const service = await runningService(scene.folder, scene.environment);
    if (service === undefined) return `would have sent SIGHUP to the service of ${scene.environment}, but it is not running (npm start)`;
    process.kill(service.pid, 'SIGHUP');
    return `sent SIGHUP to the service (process ${service.pid}), so that it reads its files again`;
  },
  'second-writer': async (scene, { in: where, file, path, value, after, times }) => {
    await endSecondWriter(scene);
    const { current } = placesOf(scene.folder, scene.environment);
    if (where !== 'live') throw new Error('a second writer writes only what is live');
    const task = { file: join(current, file), path, value, afterSeconds: after, times };
    const child = spawn(process.execPath, [SECOND_WRITER, JSON.stringify(task)], { detached: true, stdio: 'ignore' });
    child.unref();
    const identity = child.pid === undefined ? undefined : identityOf(child.pid);
    await writeFile(writerRecord(scene), `${JSON.stringify(identity)}\n`);
    return `started a second writer (process ${child.pid}): ${after} s after a repair it sets ${path} back to ${JSON.stringify(value)}, ${times} times at most`;
  },
};

export async function readScenarios(library) {
  const names = (await readdir(library)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(names.map(async (name) => parse(await readFile(join(library, name), 'utf8'))));
}

/** Carries out a scenario and gives back a line for each step. */
export async function carryOut(scenario, scene) {
  if (!existsSync(placesOf(scene.folder, scene.environment).current)) {
    throw new Error(`nothing is released in ${scene.environment} yet; run npm start first`);
  }
  const lines = [];
  for (const step of scenario.steps) {
    const [kind, input] = Object.entries(step)[0];
    const act = STEPS[kind];
    if (act === undefined) throw new Error(`scenario ${scenario.name}: unknown step "${kind}"; known are ${Object.keys(STEPS).join(', ')}`);
    lines.push(await act(scene, input ?? {}));
  }
  return lines;
}

/** Puts the desired and the live state of every environment back to what they were before any scenario. */
export async function reset(folder) {
  const lines = [];
  for (const { name: environment } of await environmentsOf(folder)) {
    const scene = { folder, environment };
    if (await endSecondWriter(scene)) lines.push(`${environment}: ended the second writer`);
    lines.push(...(await restoreDesired(scene)));
    const places = placesOf(folder, environment);
    if (!existsSync(places.current)) continue;
    await usualLoad(folder, environment);
    await mirror(places.desired, await realpath(places.current));
    const service = await runningService(folder, environment);
    if (service !== undefined) process.kill(service.pid, 'SIGHUP');
    lines.push(`${environment}: what is live is again what is desired`);
  }
  return [...lines, 'what Holdfast learned stays: a change that it rolled back or found flapping is left alone until released (bin/holdfast status names them)'];
}

async function fileOf(scene, where, file) {
  const places = placesOf(scene.folder, scene.environment);
  if (where === 'live') return { full: join(places.current, file), shown: `${file} of ${scene.environment}, live` };
  if (where !== 'desired') throw new Error(`"in" is live or desired, not ${JSON.stringify(where)}`);
  await keepDesired(scene, file);
  return { full: join(places.desired, file), shown: `${file} of ${scene.environment}, desired` };
}

/** The first touch of a desired file keeps what it was, for `reset`. */
async function keepDesired(scene, file) {
  const kept = join(keptFolder(scene), file);
  const original = join(placesOf(scene.folder, scene.environment).desired, file);
  if (existsSync(kept) || existsSync(`${kept}.absent`)) return;
  await mkdir(dirname(kept), { recursive: true });
  if (existsSync(original)) await cp(original, kept);
  else await writeFile(`${kept}.absent`, '');
}

async function restoreDesired(scene) {
  const kept = keptFolder(scene);
  const lines = [];
  for (const path of await filesBelow(kept)) {
    const absent = path.endsWith('.absent');
    const file = relative(kept, absent ? path.slice(0, -'.absent'.length) : path);
    const original = join(placesOf(scene.folder, scene.environment).desired, file);
    if (absent) await rm(original, { force: true });
    else await cp(path, original);
    lines.push(`${scene.environment}: restored the desired ${file}`);
  }
  await rm(kept, { recursive: true, force: true });
  return lines;
}

function keptFolder(scene) {
  return join(placesOf(scene.folder, scene.environment).state, 'desired-before');
}

async function mirror(from, to) {
  const wanted = new Set((await filesBelow(from)).map((path) => relative(from, path)));
  for (const path of await filesBelow(to)) {
    const file = relative(to, path);
    // What Holdfast keeps of its own in a release is not of the service.
    if (!wanted.has(file) && !file.split(sep).some((name) => name.startsWith('.holdfast'))) await rm(path, { force: true });
  }
  for (const file of wanted) {
    await mkdir(dirname(join(to, file)), { recursive: true });
    await cp(join(from, file), join(to, file));
    await chmod(join(to, file), (await stat(join(from, file))).mode & 0o777);
  }
}

async function endSecondWriter(scene) {
  const text = await readFile(writerRecord(scene), 'utf8').catch(() => 'null');
  const identity = parseIdentity(JSON.parse(text));
  await rm(writerRecord(scene), { force: true });
  if (identity === undefined || !isRunning(identity) || (await commandOf(identity.pid))?.includes(SECOND_WRITER) !== true) return false;
  await endProcess(identity, 2000);
  return true;
}

function writerRecord(scene) {
  return join(placesOf(scene.folder, scene.environment).state, 'second-writer.json');
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
