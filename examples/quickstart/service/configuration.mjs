// Reads a release folder. No dependencies: the service stands for any program that reads its files at
// start and on SIGHUP, and knows nothing of Holdfast.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Returns what the files say, and every problem found in them. */
export async function readConfiguration(root) {
  const problems = [];
  const read = async (name, parse) => {
    try {
      return parse(await readFile(join(root, name), 'utf8'));
    } catch (error) {
      problems.push(`${name}: ${error.code === 'ENOENT' ? 'is missing' : error.message}`);
      return {};
    }
  };
  const configuration = {
    app: await read('etc/app.yaml', parseYaml),
    limits: await read('etc/limits.json', JSON.parse),
    features: await read('etc/features.toml', parseToml),
    env: await read('etc/service.env', parseEnv),
    template: await read('templates/index.html', (text) => text),
  };
  if (problems.length === 0) problems.push(...mistakes(configuration));
  return { configuration, problems };
}

function mistakes({ app, limits, template }) {
  const found = [];
  if (typeof app.name !== 'string' || app.name === '') found.push('etc/app.yaml: name is missing');
  for (const key of ['workers', 'requestsPerWorker']) {
    if (!Number.isInteger(limits[key]) || limits[key] < 0) found.push(`etc/limits.json: ${key} must be a whole number`);
  }
  if (!template.includes('{{greeting}}')) found.push('templates/index.html: shows no {{greeting}}');
  return found;
}

/** Nested keys and plain values: the part of YAML that this service uses. */
export function parseYaml(text) {
  const result = {};
  const open = [{ indent: -1, value: result }];
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const match = /^( *)([\w-]+):(?:\s+(.*?))?\s*$/.exec(line);
    if (match === null) throw new Error(`line ${index + 1} is not "key: value"`);
    const [, spaces, key, raw] = match;
    while (open.at(-1).indent >= spaces.length) open.pop();
    const parent = open.at(-1).value;
    if (raw === undefined || raw === '') open.push({ indent: spaces.length, value: (parent[key] = {}) });
    else parent[key] = scalar(raw);
  }
  return result;
}

export function parseToml(text) {
  const result = {};
  let section = result;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const header = /^\[([\w-]+)\]\s*$/.exec(line);
    const entry = /^([\w-]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (header !== null) section = result[header[1]] ??= {};
    else if (entry !== null) section[entry[1]] = scalar(entry[2]);
    else throw new Error(`line ${index + 1} is neither a section nor "key = value"`);
  }
  return result;
}

export function parseEnv(text) {
  const entries = text.split('\n').filter((line) => !/^\s*(#.*)?$/.test(line)).map((line) => /^(\w+)=(.*)$/.exec(line));
  if (entries.includes(null)) throw new Error('holds a line that is not NAME=value');
  return Object.fromEntries(entries.map(([, name, value]) => [name, scalar(value)]));
}

function scalar(raw) {
  const quoted = /^"(.*)"$|^'(.*)'$/.exec(raw);
  if (quoted !== null) return quoted[1] ?? quoted[2];
  if (raw === 'true' || raw === 'false') return raw === 'true';
  return raw !== '' && Number.isFinite(Number(raw)) ? Number(raw) : raw;
}
