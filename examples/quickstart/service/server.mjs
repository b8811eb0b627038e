// A small shop front. It reads its configuration from a release folder at start and on SIGHUP.
//
//   server.mjs --root FOLDER --port PORT [--host ADDRESS] [--name NAME] [--load FILE] [--pid-file FILE]
//   server.mjs --root FOLDER --check
import { readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { readConfiguration } from './configuration.mjs';

const { values: options } = parseArgs({
  options: {
    root: { type: 'string' },
    port: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    name: { type: 'string', default: 'storefront' },
    load: { type: 'string' },
    'pid-file': { type: 'string' },
    check: { type: 'boolean', default: false },
  },
});

const state = { configuration: undefined, refused: [], release: '', reloads: 0, requests: 0, startedAt: Date.now() };

if (options.root === undefined) end('--root is needed');
else if (options.check) await check();
else await serve();

/** As `nginx -t`: says whether the files can be read, not whether they are wise. */
async function check() {
  const { problems } = await readConfiguration(options.root);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  else process.stdout.write('configuration is valid\n');
}

async function serve() {
  await load();
  if (state.configuration === undefined) {
    end(state.refused.join('; '));
    return;
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => send(response, 500, 'text/plain', `${error.message}\n`));
  });
  server.on('error', (error) => end(`port ${options.port}: ${error.message}`));
  server.listen(Number(options.port), options.host, () => void ready());
  process.on('SIGHUP', () => void reload());
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
}

async function ready() {
  if (options['pid-file'] !== undefined) {
    await writeFile(`${options['pid-file']}.draft`, `${process.pid}\n`);
    await rename(`${options['pid-file']}.draft`, options['pid-file']);
  }
  log(`serves ${state.release} on http://${options.host}:${options.port}`);
}

/** Keeps what it had when the new files are wrong, as a careful program does, and says so in its health. */
async function load() {
  const { configuration, problems } = await readConfiguration(options.root);
  state.refused = problems;
  if (problems.length > 0) return;
  state.configuration = configuration;
  state.release = await realpath(options.root);
}

async function reload() {
  state.reloads += 1;
  await load();
  log(state.refused.length === 0 ? `reloaded ${state.release}` : `keeps the old configuration: ${state.refused.join('; ')}`);
}

async function answer(request, response) {
  state.requests += 1;
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  if (path === '/healthz') {
    const problems = await ailments();
    const body = { service: options.name, healthy: problems.length === 0, problems, release: state.release };
    return send(response, problems.length === 0 ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
  }
  if (path === '/metrics') return send(response, 200, 'text/plain; version=0.0.4', await metrics());
  if (path === '/') return send(response, 200, 'text/html; charset=utf-8', page());
  return send(response, 404, 'text/plain', 'not found\n');
}

async function ailments() {
  const problems = state.refused.map((problem) => `configuration refused: ${problem}`);
  if (capacity() === 0) problems.push('no worker can answer: workers is 0');
  const demand = await requestsPerSecond();
  if (demand > capacity()) problems.push(`overloaded: ${demand} requests per second come, ${capacity()} can be answered`);
  return problems;
}

function capacity() {
  const { workers, requestsPerWorker } = state.configuration.limits;
  return workers * requestsPerWorker;
}

/** What comes from outside. An instance that stands beside the live one gets none of it. */
async function requestsPerSecond() {
  if (options.load === undefined) return 0;
  const text = await readFile(options.load, 'utf8').catch(() => '{}');
  return JSON.parse(text).requestsPerSecond ?? 0;
}

async function metrics() {
  const healthy = (await ailments()).length === 0;
  const rows = [
    ['shop_healthy', 'gauge', healthy ? 1 : 0],
    ['shop_workers', 'gauge', state.configuration.limits.workers],
    ['shop_capacity_requests_per_second', 'gauge', capacity()],
    ['shop_load_requests_per_second', 'gauge', await requestsPerSecond()],
    ['shop_configuration_reloads_total', 'counter', state.reloads],
    ['shop_requests_total', 'counter', state.requests],
    ['shop_uptime_seconds', 'gauge', Math.round((Date.now() - state.startedAt) / 1000)],
  ];
  return rows.map(([name, type, value]) => `# TYPE ${name} ${type}\n${name}{service="${options.name}"} ${value}\n`).join('');
}

function page() {
  const { app, limits, features, env, template } = state.configuration;
  const settings = JSON.stringify({ app, limits, features, env }, null, 2);
  const values = { name: options.name, greeting: String(app.greeting ?? ''), settings, release: state.release };
  return template.replace(/\{\{(\w+)\}\}/g, (_, key) => escapeHtml(values[key] ?? ''));
}

function escapeHtml(text) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

function send(response, status, type, body) {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

function log(line) {
  process.stdout.write(`${new Date().toISOString()} ${options.name} ${line}\n`);
}

function end(message) {
  process.stderr.write(`${options.name}: ${message}\n`);
  process.exitCode = 1;
}
