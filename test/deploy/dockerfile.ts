import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileGlob } from '../../src/providers/glob.js';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

const KNOWN = new Set(['ARG', 'FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'ENTRYPOINT', 'CMD', 'LABEL', 'EXPOSE', 'VOLUME', 'HEALTHCHECK', 'STOPSIGNAL', 'SHELL']);
const SECRET = /(PASSWORD|TOKEN|SECRET|API_KEY|PRIVATE_KEY)/;

/** Instructions in order, with continued lines joined and comments left out. */
function instructionsOf(text: string): readonly Instruction[] {
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, ' ').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => {
    const [, name = '', rest = ''] = /^\s*(\S+)\s*(.*)$/.exec(line) ?? [];
    return { name: name.toUpperCase(), text: rest.trim() };
  });
}

interface Copy {
  readonly from?: string;
  readonly sources: readonly string[];
  readonly to: string;
}

/** The copies of each stage, the last stage last. */
export function copiesOf(text: string): readonly (readonly Copy[])[] {
  const stages: Copy[][] = [];
  for (const { name, text: rest } of instructionsOf(text)) {
    if (name === 'FROM') stages.push([]);
    if (name !== 'COPY') continue;
    const words = rest.split(/\s+/);
    const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
    const paths = words.filter((word) => !word.startsWith('--'));
    stages.at(-1)?.push({ ...(from === undefined ? {} : { from }), sources: paths.slice(0, -1), to: paths.at(-1) ?? '' });
  }
  return stages;
}

/** What a build would fail on, or would take and leave worse than it need be. */
export function dockerfileProblems(text: string, root: string): readonly string[] {
  const instructions = instructionsOf(text);
  const all = (name: string): readonly string[] => instructions.filter((each) => each.name === name).map((each) => each.text);
  const args = new Map(all('ARG').map((each) => [each.split('=')[0] ?? '', each.split('=')[1] ?? '']));
  const stages = all('FROM').map((each) => / AS (\S+)$/i.exec(each)?.[1]);
  const user = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM')).findLast(({ name }) => name === 'USER')?.text ?? 'root';
  return [
    ...instructions.filter(({ name }) => !KNOWN.has(name)).map(({ name }) => `${name} is no instruction that is used here`),
    ...all('FROM').map((each) => resolved(each.split(/\s+/)[0] ?? '', args)).filter((image) => !/:\d+\.\d+\.\d+(-[\w.]+)*(@sha256:[0-9a-f]{64})?$/.test(image)).map((image) => `the base image ${image} has no exact version`),
    ...(/^[1-9]\d*(:\d+)?$/.test(user) ? [] : [`the image runs as ${user}; a cluster must see by its number that it is not root`]),
    ...['ENTRYPOINT', 'CMD'].flatMap((name) => all(name)).filter((each) => !isJsonList(each)).map((each) => `${each} runs through a shell, which keeps signals to itself`),
    ...all('WORKDIR').filter((each) => !each.startsWith('/')).map((each) => `the folder ${each} is not absolute`),
    ...[...all('ENV'), ...all('ARG')].filter((each) => SECRET.test(each)).map((each) => `${each.split('=')[0] ?? ''} would be kept in the image`),
    ...all('RUN').flatMap(aptProblems),
    ...copiesOf(text).flat().flatMap((copy) => copyProblems(copy, { stages, root })),
  ];
}

function aptProblems(text: string): readonly string[] {
  if (!text.includes('apt-get install')) return [];
  return [
    ...(text.includes('apt-get update') ? [] : ['apt-get install without an update before it']),
    ...(/apt-get install .*(--yes|-y)\b/.test(text) ? [] : ['apt-get install would ask']),
    ...(text.includes('--no-install-recommends') ? [] : ['apt-get installs what is only recommended']),
    ...(text.includes('rm -rf /var/lib/apt/lists') ? [] : ['the lists of apt stay in the image']),
  ];
}

function copyProblems({ from, sources }: Copy, { stages, root }: { readonly stages: readonly (string | undefined)[]; readonly root: string }): readonly string[] {
  if (from !== undefined) return stages.includes(from) ? [] : [`COPY --from=${from}: there is no such stage`];
  const ignored = ignoredBy(readFileSync(join(root, '.dockerignore'), 'utf8'));
  return sources.flatMap((source) => [
    ...(existsSync(join(root, source)) ? [] : [`COPY ${source}: there is no such file`]),
    ...(ignored(source) ? [`COPY ${source}: .dockerignore leaves it out`] : []),
  ]);
}

/** `!` is not used here; a pattern takes a path and everything below it. */
export function ignoredBy(text: string): (path: string) => boolean {
  const matchers = text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')).flatMap((line) => [compileGlob(line), compileGlob(`${line}/**`)]);
  return (path) => matchers.some((matches) => matches(path));
}

function resolved(image: string, args: ReadonlyMap<string, string>): string {
  return image.replace(/\$\{(\w+)\}/g, (_, name: string) => args.get(name) ?? '');
}

function isJsonList(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}
