import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../src/config/load.js';
import { ConfigError, formatConfigError } from '../src/config/problem.js';
import { runTests } from '../src/policy/testing.js';
import { sections } from '../src/config/schema.js';
import { environmentSchema } from '../src/config/schema-environment.js';
import { targetFields } from '../src/config/schema-target.js';
import type { GateName } from '../src/domain/gates/gate.js';
import type { Outcome } from '../src/domain/phase.js';
import { providers } from '../src/providers/index.js';
import { cli } from './cli/support.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Records, so that a new outcome or gate does not compile until it is listed, and is not passed until it has a page. */
const OUTCOMES: Readonly<Record<Outcome, true>> = {
  fixed: true, 'rolled-back': true, adopted: true, accepted: true, rejected: true, expired: true, cleared: true, 'needs-human': true, cancelled: true, terminated: true,
};
const GATES: Readonly<Record<GateName, true>> = {
  window: true, freeze: true, breaker: true, budget: true, quarantine: true, 'blast-radius': true, flapping: true, settling: true, busy: true, after: true, 'step-back': true,
};
const RUNBOOK_PARTS = ['## What it means', '## What Holdfast did', '## How to look', '## What to do'];

interface Page {
  /** Relative to the repository. */
  readonly file: string;
  readonly text: string;
}

const pages: readonly Page[] = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md'],
  ...filesBelow('docs'),
  ...filesBelow('examples'),
].filter((file) => file.endsWith('.md')).map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));

const scratch = mkdtempSync(join(tmpdir(), 'holdfast-docs-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test.each([...Object.keys(OUTCOMES), ...Object.keys(GATES), 'blind', 'stuck'])('%s has a runbook that says what to do', (name) => {
  const page = pages.find((each) => each.file === join('docs', 'runbooks', `${name}.md`));
  expect(page, `docs/runbooks/${name}.md is missing`).toBeDefined();
  for (const part of RUNBOOK_PARTS) expect(page?.text).toContain(part);
  const index = pages.find((each) => each.file === join('docs', 'runbooks', 'README.md'));
  expect(index?.text).toContain(`(${name}.md)`);
});

test('every relative link leads to a file, and every anchor to a heading', () => {
  const broken = pages.flatMap(({ file, text }) => linksOf(text).flatMap((link) => problemOfLink(file, link) ?? []));
  expect(broken).toEqual([]);
});

test('every page of docs can be reached from the README', () => {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    const page = pages.find((each) => each.file === file);
    for (const link of linksOf(page?.text ?? '')) visit(relative(root, resolve(root, dirname(file), link.split('#')[0] ?? '')));
  };
  visit('README.md');
  expect(pages.map((page) => page.file).filter((file) => file.startsWith('docs') && !reached.has(file))).toEqual([]);
});

test('every command and option that is shown exists', async () => {
  const program = await helpOf([]);
  const shown = pages.flatMap(({ file, text }) => commandsIn(text).map((command) => ({ file, command })));
  expect(shown.length).toBeGreaterThan(100);
  const wrong = shown.flatMap(({ file, command }) => problemsOfCommand(program, command).map((problem) => `${file}: ${command} (${problem})`));
  expect(wrong).toEqual([]);
});

test('a reason that is left to the reader is WHY, as commands print it', () => {
  expect(pages.flatMap(({ file, text }) => [...text.matchAll(/--reason ["']?(?:…|\.\.\.|REASON|<).*/g)].map(([written]) => `${file}: ${written}`))).toEqual([]);
});

test('every npm script that is named exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const named = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map((match) => ({ file, script: match[1] ?? match[2] ?? '' })));
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
});

test('every YAML block is a valid configuration, or a valid part of one', async () => {
  const blocks = pages.flatMap(({ file, text }) => [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => ({ file, block: match[1] ?? '' })));
  const problems: string[] = [];
  for (const { file, block } of blocks) {
    const problem = await problemOfYaml(block);
    if (problem !== undefined) problems.push(`${file}: ${problem}\n${block}`);
  }
  expect(problems).toEqual([]);
});

test('pages name no folder of a machine and no host of a registry', () => {
  const found = pages.flatMap(({ file, text }) => [...text.matchAll(/\/(?:root|home|Users|work|tmp)\/[\w.-]+\/\S*|\bregistry\.[\w.-]+|\bproxy\.golang\S*/g)].map((match) => `${file}: ${match[0]}`));
  expect(found).toEqual([]);
});

test('the picture stands alone: it loads nothing, and its boxes have a ground of their own for light and dark pages', () => {
  const picture = readFileSync(join(root, 'docs/images/flow.svg'), 'utf8');
  expect(picture).not.toMatch(/href|url\((?!#)|<script|<image/);
  expect(picture).toMatch(/<title[^>]*>[^<]+<\/title>/);
  expect(picture).toMatch(/\.box \{ fill: #[0-9a-f]{6};/);
});

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.holdfast'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function withoutCode(text: string): string {
  return text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');
}

function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '').filter((link) => !/^[a-z]+:/.test(link));
}

function problemOfLink(file: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const full = path === '' ? join(root, file) : resolve(root, dirname(file), path);
  if (!existsSync(full)) return `${file}: ${link} leads nowhere`;
  if (anchor === undefined || !full.endsWith('.md')) return undefined;
  return headingsOf(readFileSync(full, 'utf8')).includes(anchor) ? undefined : `${file}: ${link} names no heading`;
}

/** As GitHub makes them: lower case, punctuation gone, spaces to hyphens. */
function headingsOf(text: string): string[] {
  return [...text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm)].map((match) => (match[1] ?? '').toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/ /g, '-'));
}

/** A command as its own help tells it. */
interface Help {
  readonly options: ReadonlySet<string>;
  readonly commands: ReadonlyMap<string, Help>;
}

async function helpOf(path: readonly string[]): Promise<Help> {
  const { out } = await cli([...path, '--help']);
  const told = out.split('\nExamples:')[0] ?? '';
  const names = [...(told.split('\nCommands:')[1] ?? '').matchAll(/^ {2}([a-z]+)(?= |$)/gm)].map((match) => match[1] ?? '').filter((name) => name !== 'help');
  const commands = new Map<string, Help>();
  for (const name of names) commands.set(name, await helpOf([...path, name]));
  const options = [...told.matchAll(/(?<![\w-])--?[a-zA-Z][a-z-]*/g)].map((match) => match[0]);
  return { options: new Set([...options, ...[...commands.values()].flatMap((each) => [...each.options])]), commands };
}

/** Command lines in code, each up to its end or the next one. */
function commandsIn(text: string): string[] {
  const code = [...text.matchAll(/^```(?!yaml|json|js|ts|python)[^\n]*\n(.*?)^```/gms), ...text.replace(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)].flatMap((match) => (match[1] ?? '').split('\n'));
  return code.flatMap((line) => [...line.matchAll(/(?:^|[\s(/])(holdfast [a-z].*?)(?=\s+#\s|[;|]\s|\sholdfast\s|$)/g)].map((match) => (match[1] ?? '').trim()));
}

function problemsOfCommand(program: Help, shown: string): string[] {
  const words = shown.split(/\s+/).slice(1);
  let help = program;
  for (const word of words) {
    const next = help.commands.get(word);
    if (next === undefined) break;
    help = next;
  }
  if (help === program) return [`no command ${words[0] ?? ''}`];
  const options = [...shown.replace(/"[^"]*"/g, '').matchAll(/(?<![\w-])--?[a-z][a-z-]*/g)].map((match) => match[0]);
  return options.filter((option) => !help.options.has(option)).map((option) => `no option ${option}`);
}

const BASE = {
  version: 1, project: 'shop',
  environments: { dev: { schedule: '* * * * *', vars: { port: 9101 } }, staging: { vars: { port: 9102 } }, prod: { vars: { port: 9103 } } },
};
const TARGET = { environments: ['dev'], provider: 'files', source: { path: './desired' }, spec: { root: './live' } };

/** A block may be a whole file, some of its sections, or keys of an environment or a target; a list is none of these. */
async function problemOfYaml(block: string): Promise<string | undefined> {
  const value: unknown = parse(block);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const given = value as Record<string, unknown>;
  if ('rules' in given && 'version' in given) return problemOfRules(block);
  const whole = wholeOf(given);
  if (whole === undefined) return `"${Object.keys(given).join(', ')}" are keys of no one place`;
  // Files that a block only names are not beside it.
  const { include: _include, policies: _policies, ...rest } = whole as Record<string, unknown> & { include?: unknown; policies?: unknown };
  const file = join(scratch, 'holdfast.yaml');
  writeFileSync(file, stringify(rest));
  try {
    await loadConfig({ file, providers });
    return undefined;
  } catch (error) {
    return error instanceof ConfigError ? formatConfigError(error) : String(error);
  }
}

/** A rule file that a page shows is one, and passes its own tests. */
async function problemOfRules(block: string): Promise<string | undefined> {
  const file = join(scratch, 'holdfast.yaml');
  const rules = join(scratch, 'rules.yaml');
  writeFileSync(file, stringify({ ...BASE, principals: { alice: {} }, groups: { sre: ['alice'] } }));
  writeFileSync(rules, block);
  try {
    const { policies = [] } = await loadConfig({ file, providers, policies: ['!default', rules] });
    return policies.flatMap(runTests).flatMap((result) => result.differs)[0];
  } catch (error) {
    return error instanceof ConfigError ? formatConfigError(error) : String(error);
  }
}

function wholeOf(given: Record<string, unknown>): Record<string, unknown> | undefined {
  const keys = Object.keys(given);
  const within = (shape: object, ...more: string[]): boolean => keys.every((key) => key in shape || more.includes(key));
  if (within(sections, 'environments', 'targets', 'defaults')) return { ...BASE, ...given };
  if (within(targetFields, 'environments', 'provider', 'each', 'overrides')) return { ...BASE, targets: { shown: { ...TARGET, ...given } } };
  if (within(environmentSchema.shape)) return { ...BASE, environments: { ...BASE.environments, shown: given } };
  return undefined;
}
