import { dirname } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import { findMatches, patternProblem } from './folders.js';
import { check } from './issues.js';
import type { Place, Report, SourceFile } from './problem.js';
import type { Reader } from './read.js';
import { INCLUDED_SECTIONS, outerSchema, sections } from './schema.js';
import { quote } from './text.js';
import { child, emptyMap, entriesOf, type MapTree, toPlain } from './tree.js';
import { parseYaml } from './yaml.js';

/** One configuration file, parsed; its sections are looked at later. */
export interface ConfigFile {
  readonly path: string;
  readonly folder: string;
  readonly tree: MapTree;
  readonly root: boolean;
}

/** Open files are limited; this many at once are as fast as all. */
const READ_AT_ONCE = 64;

/** Reads the root and what it includes. Without a usable root there is nothing to return. */
export async function readFiles(root: string, reader: Reader, report: Report): Promise<readonly ConfigFile[]> {
  const first = await readFile(root, reader, report, true);
  if (first === undefined) return [];
  const include = child(first.tree, 'include');
  const patterns = include === undefined ? [] : (check(sections.include, toPlain(include), { report, where: ['include'], tree: include }) ?? []);
  const seen = new Set([root]);
  for (const [index, pattern] of patterns.entries()) {
    const at = (include?.kind === 'list' ? include.items[index]?.at : undefined) ?? first.tree.at;
    for (const path of await findListed(pattern, { at, folder: first.folder, reader, report, what: `include[${index}]` })) {
      seen.add(path);
    }
  }
  seen.delete(root);
  const files = [first];
  const paths = [...seen];
  for (let from = 0; from < paths.length; from += READ_AT_ONCE) {
    const read = await Promise.all(paths.slice(from, from + READ_AT_ONCE).map((path) => readFile(path, reader, report, false)));
    files.push(...read.filter((file) => file !== undefined));
  }
  return files;
}

/** The files a pattern of the configuration names; none is a problem. */
export async function findListed(
  pattern: string,
  options: { readonly at: Place; readonly folder: string; readonly reader: Reader; readonly report: Report; readonly what: string },
): Promise<readonly string[]> {
  const { at, folder, reader, report, what } = options;
  const problem = patternProblem(pattern, { anyDepth: true });
  if (problem !== undefined) {
    report.add({ at, message: `${what}: ${quote(pattern)} cannot be used: ${problem}`, remedy: `write a path such as "${what.startsWith('policies') ? './policies/*.yaml' : './teams/*/holdfast.yaml'}"` });
    return [];
  }
  const matches = await findMatches(pattern, { base: folder, reader, want: 'file' });
  if (matches.length === 0) {
    report.add({ at, message: `${what}: no file matches ${quote(pattern)}`, remedy: 'paths count from the folder of this file; correct it or remove it' });
  }
  return matches.map((match) => match.path);
}

/** The text of a file; where it cannot be read, that is reported as a mistake like any other. */
export async function readText(path: string, reader: Reader, report: Report): Promise<string | undefined> {
  try {
    return await reader.text(path);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const file: SourceFile = { path, text: '', lineStarts: [0] };
    report.add({ at: { file }, message: error.message, remedy: error.remedy ?? '' });
    return undefined;
  }
}

async function readFile(path: string, reader: Reader, report: Report, root: boolean): Promise<ConfigFile | undefined> {
  const text = await readText(path, reader, report);
  if (text === undefined) return undefined;
  const tree = parseYaml(path, text, report);
  if (tree === undefined) return undefined;
  check(outerSchema, toPlain(tree), { report, where: [], tree });
  const version = child(tree, 'version');
  if (version !== undefined) check(sections.version, toPlain(version), { report, where: ['version'], tree: version });
  else report.add({ at: tree.at, message: 'version is missing', remedy: 'begin with `version: 1`' });
  refuseOtherKinds(tree, report);
  if (!root) refuseRootSections(tree, report);
  return { path, folder: dirname(path), tree, root };
}

const NAMED_SECTIONS = ['principals', 'groups', 'defaults', 'environments', 'targets'];

function refuseOtherKinds(tree: MapTree, report: Report): void {
  for (const name of NAMED_SECTIONS) {
    const entry = tree.entries.get(name);
    if (entry === undefined || entry.value.kind === 'map') continue;
    report.add({ at: entry.key, message: `${name}: expected names with their settings`, remedy: `write them below ${name}, indented, or remove the key` });
  }
}

function refuseRootSections(tree: MapTree, report: Report): void {
  const known = Object.keys(outerSchema.shape);
  for (const [key, entry] of entriesOf(tree)) {
    if (INCLUDED_SECTIONS.includes(key) || !known.includes(key)) continue;
    report.add({ at: entry.key, message: `${key} may be set in the root configuration only`, remedy: 'an included file may set targets and defaults; move this to the root' });
  }
}

/** A section of a file, or an empty one in its place. */
export function sectionOf(file: ConfigFile, name: string): MapTree {
  const found = child(file.tree, name);
  return found?.kind === 'map' ? found : emptyMap(found?.at ?? file.tree.at);
}
