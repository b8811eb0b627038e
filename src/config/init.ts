import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import { quote } from './text.js';

/** What a first configuration for a folder would be; nothing is written here. */
export interface InitPlan {
  /** The text of `holdfast.yaml`. */
  readonly config: string;
  /** Absolute: where the desired state is, or is to be captured to. */
  readonly desired: string;
  /** Absolute: the live folder. */
  readonly root: string;
  /** `dev/NAME`, the one target of the configuration. */
  readonly address: string;
  /** True when there is no desired state yet: capture it from `root`, or create the folder. */
  readonly desiredMissing: boolean;
  /** One line for a person: what was recognised. */
  readonly recognised: string;
}

/** What is in a folder, as far as it matters for a first configuration. */
export interface Recognised {
  /** Files that look like settings, directly in the folder. */
  readonly settings: readonly string[];
  /** Subfolders that hold settings, at most two levels down, best first. */
  readonly folders: readonly string[];
}

const SETTINGS = /(?:\.(?:ya?ml|json|toml|ini|conf|cfg|cnf|env|properties|xml|hcl|tfvars|service|timer|rules|list)|^\.env[\w.-]*|(?:^|[.-])(?:config|conf|rc))$/i;
/** What a folder holds for other reasons. */
const NOT_SETTINGS = /^(?:holdfast\.ya?ml|package(?:-lock)?\.json|tsconfig.*\.json|composer\.json|docker-compose\.ya?ml|\.gitlab-ci\.yml|renovate\.json)$/i;
const PASSED_BY = new Set(['node_modules', 'desired', 'vendor', 'dist', 'build', 'target', 'test', 'tests', 'docs', 'src']);
const PREFERRED = ['live', 'etc', 'config', 'conf', 'settings', 'current'];

export function recognise(folder: string): Recognised {
  const folders = subfolders(folder).flatMap((name) => {
    if (settingsIn(join(folder, name)).length > 0) return [name];
    return subfolders(join(folder, name)).filter((inner) => settingsIn(join(folder, name, inner)).length > 0).map((inner) => `${name}/${inner}`);
  });
  return { settings: settingsIn(folder), folders: folders.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)) };
}

function rank(name: string): number {
  const found = PREFERRED.indexOf(name.split('/')[0] ?? '');
  return found === -1 ? PREFERRED.length : found;
}

function settingsIn(folder: string): string[] {
  return entries(folder).filter((entry) => entry.isFile() && SETTINGS.test(entry.name) && !NOT_SETTINGS.test(entry.name)).map((entry) => entry.name).sort();
}

function subfolders(folder: string): string[] {
  return entries(folder).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !PASSED_BY.has(entry.name)).map((entry) => entry.name).sort();
}

function entries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/**
 * A first configuration: one `files` target that watches `root`, or what is recognised in the
 * folder, against `desired` beside the configuration. Throws a `Refused` error when `root` is no folder.
 */
export function initPlan({ folder, root }: { readonly folder: string; readonly root?: string }): InitPlan {
  const home = resolve(folder);
  const found = recognise(home);
  const live = root === undefined ? resolve(home, liveIn(found)) : resolve(home, root);
  if (root !== undefined && !isFolder(live)) {
    throw new HoldfastError('Refused', `${quote(live, 300)} is not a folder that can be read`, { remedy: 'name the live folder with --root' });
  }
  if (live.includes('${')) throw new HoldfastError('Refused', `${quote(live, 300)} holds \${, which a configuration would replace`, { remedy: 'rename the folder' });
  const desired = join(home, 'desired');
  const name = nameOf(live === home ? basename(home) : basename(live), 'app');
  return {
    config: renderInitialConfig({ project: nameOf(basename(home), 'project'), target: name, root: shownPath(live, home), inside: own(live, home) }),
    desired,
    root: live,
    address: `dev/${name}`,
    desiredMissing: !isFolder(desired),
    recognised: sentence(found, root, live, home),
  };
}

function liveIn(found: Recognised): string {
  if (found.settings.length > 0) return '.';
  return found.folders[0] ?? 'live';
}

function sentence(found: Recognised, root: string | undefined, live: string, home: string): string {
  if (root !== undefined) return `${live} is watched as a folder of files`;
  if (found.settings.length > 0) return `this folder holds ${found.settings.length} files of settings`;
  if (found.folders.length > 0) return `${shownPath(live, home)} holds files of settings${found.folders.length > 1 ? `, as do ${found.folders.slice(1, 4).join(', ')}` : ''}`;
  return 'nothing was recognised here: correct `root` in holdfast.yaml';
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The configuration, the desired state and the record lie inside what is watched when the root is, or is above, the folder itself. */
function own(live: string, home: string): readonly string[] {
  const inside = relative(live, home);
  if (inside === '..' || inside.startsWith(`..${sep}`)) return [];
  const prefix = inside === '' ? '' : `${inside.split(sep).join('/')}/`;
  return ['holdfast.yaml', 'desired/**', '.holdfast/**'].map((path) => `${prefix}${path}`);
}

function shownPath(live: string, home: string): string {
  const path = relative(home, live).split(sep).join('/');
  if (path === '') return '.';
  return path === '..' || path.startsWith('../') ? live : `./${path}`;
}

/** A name that the configuration accepts, from any text. */
function nameOf(text: string, otherwise: string): string {
  const name = text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+/, '').slice(0, 63).replace(/-+$/, '');
  return name === '' ? otherwise : name;
}

interface InitialConfig {
  readonly project: string;
  readonly target: string;
  /** As written: relative to the configuration, or absolute. */
  readonly root: string;
  /** Globs of what is Holdfast's own inside the root. */
  readonly inside: readonly string[];
}

function renderInitialConfig({ project, target, root, inside }: InitialConfig): string {
  const protect = inside.length === 0 ? '' : `
      # These lie inside root and belong to Holdfast.
      protect: [${inside.map((glob) => JSON.stringify(glob)).join(', ')}]`;
  const unmanaged = inside.length === 0
    ? '# Files that the desired state does not know: report, remove or ignore.\n      unmanaged: report'
    : '# Other files in root are not looked at: report or remove would find them.\n      unmanaged: ignore';
  return `# Holdfast: what should be, where it is live, and what to do about a difference.
# Every key is described in docs/configuration.md; \`holdfast config validate\` checks this file.
version: 1
project: ${project}

environments:
  dev:
    # When to look: minute, hour, day of month, month, day of week.
    schedule: "*/5 * * * *"
    # What to do about drift: observe (record it), ask (a person approves), auto (repair it; needs a health check).
    remediation: ask

targets:
  ${target}:
    environments: [dev]
    provider: files
    # What should be. Edit a file here, and \`holdfast check\` shows the difference.
    source: { path: ./desired }
    spec:
      # What is live.
      root: ${JSON.stringify(root)}
      ${unmanaged}${protect}
      # How the service takes a new configuration, and how a staged one is checked before it goes live:
      # validate: [my-service, --check, "{release}"]
      # reload: { signal: SIGHUP, pidFile: /run/my-service.pid }
    # How Holdfast knows that a repair did no harm; without it nothing is repaired automatically.
    # health:
    #   - { type: http, url: "http://127.0.0.1:8080/healthz", interval: 2s, count: 3 }
`;
}
