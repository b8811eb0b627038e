import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { TargetAddress } from '../../domain/address.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { Revision } from '../../domain/target.js';
import { errorCode } from '../../system/error-code.js';
import { compileGlob, compileGlobs, type Matcher } from '../glob.js';
import { briefly, shown } from './errors.js';
import type { FieldRules } from './fields.js';
import { ownerOf, type Owner } from './owners.js';
import { readSpec, releasesOf, type FilesSpec } from './spec.js';

/** Where the live files are. */
export interface Live {
  readonly spec: FilesSpec;
  readonly address: TargetAddress;
  readonly mode: 'link' | 'in-place';
  /** The root as it is written, with the links above it resolved: the same for every release. */
  readonly root: string;
  /** The folder that holds the live files now. */
  readonly real: string;
  /** The text of the root's link, in link mode. */
  readonly link?: string;
  readonly releases: string;
  readonly isProtected: Matcher;
}

/** Live and desired, with everything that a comparison needs. */
export interface Setup extends Live {
  readonly desired: string;
  /** Git keeps of permissions only whether a file may be executed. */
  readonly git: boolean;
  readonly modes: readonly (readonly [Matcher, number])[];
  readonly owners: readonly (readonly [Matcher, Owner])[];
  readonly isSensitive: Matcher;
  rulesOf(resource: string): FieldRules;
}

/** Finds the live folder. Throws `Unreachable` when there is none: an absent root is no drift. */
export function openLive(address: TargetAddress, specJson: Json): Live {
  const spec = readSpec(specJson);
  const root = rootOf(spec.root);
  const { link, real } = resolveRoot(root);
  if (spec.mode === 'link' && link === undefined) {
    throw new HoldfastError('Refused', `${shown(root)} is a folder, and spec.mode is link`, { remedy: `move it to ${shown(releasesOf(spec))} and put a symbolic link in its place, or use mode: in-place` });
  }
  const mode = spec.mode === 'auto' ? (link === undefined ? 'in-place' : 'link') : spec.mode;
  return {
    spec, address, mode, root, real,
    ...(mode === 'link' && link !== undefined ? { link } : {}),
    releases: releasesOf(spec),
    isProtected: compileGlobs(spec.protect),
  };
}

export function openSetup(address: TargetAddress, specJson: Json, revision: Revision): Setup {
  const live = openLive(address, specJson);
  const { spec } = live;
  const rules = spec.sensitive.map((rule) => ruleOf(rule));
  return {
    ...live,
    desired: realFolder(revision.folder, 'the desired state'),
    git: revision.commit !== undefined,
    modes: Object.entries(spec.modes).map(([glob, mode]) => [compileGlob(glob), Number.parseInt(mode, 8)] as const),
    owners: Object.entries(spec.owners).map(([glob, owner]) => [compileGlob(glob), ownerOf(owner)] as const),
    isSensitive: (resource) => rules.some((rule) => rule.path === undefined && rule.resource(resource)),
    rulesOf: (resource) => {
      const isSet = compileGlobs(spec.sets);
      const paths = rules.flatMap((rule) => (rule.path !== undefined && rule.resource(resource) ? [rule.path] : []));
      return { isSet, isSensitive: (path) => paths.some((matches) => matches(path)) };
    },
  };
}

/** The last of the rules that match counts. */
export function lastMatch<T>(rules: readonly (readonly [Matcher, T])[], resource: string): T | undefined {
  return rules.findLast(([matches]) => matches(resource))?.[1];
}

/** What the link of a root says, and the folder that it leads to. */
export function resolveRoot(root: string): { readonly link?: string; readonly real: string } {
  const real = realFolder(root, 'the live root');
  return lstatSync(root).isSymbolicLink() ? { link: readlinkSync(root), real } : { real };
}

function rootOf(root: string): string {
  try {
    return join(realpathSync(dirname(root)), basename(root));
  } catch (error) {
    throw missing(root, 'the live root', error);
  }
}

function realFolder(path: string, what: string): string {
  try {
    const real = realpathSync(resolve(path));
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw missing(path, what, error);
  }
  throw new HoldfastError('Unreachable', `${what} ${shown(path)} is not a folder`);
}

function missing(path: string, what: string, error: unknown): HoldfastError {
  const why = errorCode(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${briefly(error)}`;
  return new HoldfastError('Unreachable', `${what} ${shown(path)} ${why}`, { cause: error, remedy: 'create or mount it, or correct the path in the configuration' });
}

type SensitiveRule = { readonly resource: Matcher; readonly path?: Matcher };

function ruleOf(rule: FilesSpec['sensitive'][number]): SensitiveRule {
  const written = typeof rule !== 'string' ? rule : rule.startsWith('/') ? { path: rule } : { resource: rule };
  const resource = written.resource === undefined ? () => true : compileGlob(written.resource);
  return written.path === undefined ? { resource } : { resource, path: compileGlob(written.path) };
}
