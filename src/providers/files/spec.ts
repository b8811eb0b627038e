import { isAbsolute, join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import { oneLine } from '../../domain/plain-text.js';
import { shadowHealth } from './shadow-health.js';
import { duration } from './duration.js';

const command = z.array(z.string().min(1)).min(1);
const glob = z.string().min(1).max(512);
const secretRule = z.union([glob, z.strictObject({ resource: glob.optional(), path: glob.optional() })]);

const shadow = z.strictObject({
  command: command.describe('Starts a second instance. {release} is the staged release, {port} a free port.'),
  env: z.record(z.string(), z.string()).default({}).describe('Added to its environment; {release}, {port} and secret references are filled in.'),
  health: z.array(shadowHealth).min(1).describe('Health checks of the second instance; {port} and {release} are filled in.'),
  ready: duration.default('10s').describe('How long it may take until it accepts connections on {port}.'),
});

const reload = z.union([
  z.strictObject({ command: command.describe('Exit 0 means that it has reloaded.') }),
  z.strictObject({
    signal: z.enum(['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTERM']),
    pidFile: z.string().min(1).describe('Holds the process id of the service.'),
  }),
]);

/**
 * The settings of a `files` target. What the schema returns is its own valid input, so that a spec
 * can be read again from a plan.
 */
export const filesSpec = z.strictObject({
  root: z.string().min(1).describe('The live folder, or the symbolic link to the live release.'),
  mode: z.enum(['auto', 'link', 'in-place']).default('auto').describe('link: switch a symbolic link between releases. in-place: replace file by file. auto: link when root is one.'),
  releases: z.string().min(1).optional().describe('Where releases are staged. Default: root with ".releases" added.'),
  keepReleases: z.int().min(0).max(100).default(3).describe('How many releases made by Holdfast are kept besides the live one.'),
  unmanaged: z.enum(['report', 'remove', 'ignore']).default('report').describe('Files in root that are not in the desired state.'),
  protect: z.array(glob).default([]).describe('Files that are never written and never removed.'),
  sensitive: z.array(secretRule).default([]).describe('Globs over resources, or over field paths when they begin with "/"; added to what is recognised by its name.'),
  sets: z.array(glob).default([]).describe('Globs over field paths of lists whose order means nothing.'),
  compareMode: z.boolean().default(true),
  modes: z.record(glob, z.string().regex(/^[0-7]{3,4}$/, 'write permissions as octal digits, such as "0640"')).default({}).describe('Permissions by glob; the last match counts.'),
  owners: z.record(glob, z.string().regex(/^[^:\s]+(?::[^:\s]+)?$/, 'write an owner as "user" or "user:group"')).default({}).describe('Owners by glob; the last match counts. Others are not compared.'),
  maxFileBytes: z.int().min(1).max(1024 ** 3).default(64 * 1024 ** 2).describe('Larger files are left out and said.'),
  validate: command.optional().describe('Run on the staged release ({release}); anything but exit 0 refuses the repair.'),
  shadow: shadow.optional(),
  reload: reload.optional(),
  busy: z.array(z.strictObject({
    file: z.string().min(1).describe('While it is there, a deployment is under way and repairs wait.'),
    resources: z.array(glob).min(1).optional().describe('Only these files wait. Default: the whole target.'),
    reason: z.string().min(1).max(200).optional().describe('What is under way, for whoever waits for it.'),
    staleAfter: duration.optional().describe('An older one was left behind and holds nothing.'),
  })).max(20).optional().describe('How to tell that somebody is deploying here.'),
  cwd: z.string().min(1).optional().describe('Where commands run. Default: the folder of the configuration file; {release} is the staged release.'),
  commandTimeout: duration.default('60s').describe('How long validate and reload may take.'),
});

export type FilesSpec = z.output<typeof filesSpec>;

/** Makes paths absolute against the folder of the configuration file. */
export function resolveFilesSpec(spec: FilesSpec, folder: string): FilesSpec {
  const root = trimmed(resolve(folder, spec.root));
  const reloadBy = spec.reload === undefined || !('pidFile' in spec.reload) ? spec.reload : { ...spec.reload, pidFile: resolve(folder, spec.reload.pidFile) };
  return {
    ...spec,
    root,
    releases: spec.releases === undefined ? `${root}.releases` : resolve(folder, spec.releases),
    cwd: spec.cwd === undefined ? folder : spec.cwd.startsWith('{release}') ? spec.cwd : resolve(folder, spec.cwd),
    ...(reloadBy === undefined ? {} : { reload: reloadBy }),
    ...(spec.busy === undefined ? {} : { busy: spec.busy.map((rule) => ({ ...rule, file: resolve(folder, rule.file) })) }),
    ...(spec.validate === undefined ? {} : { validate: resolveProgram(spec.validate, folder) }),
    ...(spec.shadow === undefined ? {} : { shadow: { ...spec.shadow, command: resolveProgram(spec.shadow.command, folder) } }),
  };
}

/** Reads a spec as it stands in a target or a plan, and refuses what no repair may ever be made with. */
export function readSpec(json: Json): FilesSpec {
  const parsed = filesSpec.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new HoldfastError('Invalid', `spec.${issue?.path.join('.') ?? ''} of a files target: ${oneLine(issue?.message ?? 'not valid', 200)}`);
  }
  const { root } = parsed.data;
  if (!isAbsolute(root)) throw new HoldfastError('Invalid', `spec.root ${root} is not absolute`, { remedy: 'resolve the spec against the folder of its configuration file' });
  if (root === sep || root.includes('\0')) throw new HoldfastError('Invalid', 'spec.root may not be the root of the file system', { remedy: 'name the folder of the service' });
  const releases = releasesOf(parsed.data);
  if (`${releases}/`.startsWith(`${root}/`)) throw new HoldfastError('Invalid', `spec.releases ${releases} lies inside the root ${root}`, { remedy: 'name a folder beside it' });
  return parsed.data;
}

export function releasesOf(spec: FilesSpec): string {
  return spec.releases ?? `${trimmed(spec.root)}.releases`;
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path;
}

/** `./check` means the file beside the configuration; a bare name is found on PATH. */
function resolveProgram(command: readonly string[], folder: string): string[] {
  const [program = '', ...args] = command;
  return [/^\.{1,2}\//.test(program) ? join(folder, program) : program, ...args];
}
