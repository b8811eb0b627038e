import type { Change } from '../change.js';
import { CLASS_RULES } from './class-rules.js';
import type { Json } from '../json.js';

/** What kind of thing a change touches, whatever the engine. The order is of what a person loses if it is wrong: most first. */
export const CLASSES = [
  /** Who can reach it: firewalls, listen addresses, public access. */
  'exposure',
  /** Who may do what: roles, grants, permissions, owners. */
  'privilege',
  /** Secrets, keys, certificates, and how somebody is recognised. */
  'identity',
  /** What is kept, and how it is kept: tables, volumes, backups, encryption. */
  'data',
  /** Whether it runs and how much it can take: replicas, sizes, probes, timeouts. */
  'availability',
  /** How it behaves otherwise. */
  'configuration',
  /** What it serves: files as a whole that are no configuration. */
  'content',
  /** What only describes it: tags, labels, descriptions. */
  'metadata',
  /** What engines and controllers write by themselves: timestamps, status, what an autoscaler owns. */
  'noise',
] as const;

export type ChangeClass = (typeof CLASSES)[number];

/** What is known of a change when its class is asked for. */
export type Classified = Pick<Change, 'resource' | 'type' | 'kind' | 'path' | 'desired' | 'actual' | 'sensitive' | 'effect' | 'by'>;

/** What the rules of the table look at. */
export interface Traits {
  readonly type: string;
  /** The name within its type, as the engine writes it. */
  readonly name: string;
  /** `path` in lower case with words joined by `_`: `/spec/hostNetwork` is `/spec/host_network`. A setting's name is its first segment. */
  readonly path: string;
  /** Both values as text, in lower case, at most 2,000 characters each; empty where they are sensitive. */
  readonly values: string;
  readonly change: Classified;
}

/**
 * The type of a change's resource, from its name: `aws_security_group` of
 * `module.net.aws_security_group.web[0]`, `Deployment` of `Deployment/shop/api`, `role` of
 * `role:reporting`, `file` for every resource of `files`; `resource` where the name does not say it.
 */
export function typeOf(change: Pick<Change, 'resource' | 'type'>, provider: string): string {
  return change.type ?? named(change.resource, provider).type;
}

/** The class of a change, by the first row of the table that speaks of it. */
export function classOf(change: Classified, provider: string): ChangeClass {
  const { type, name } = named(change.resource, provider);
  const traits: Traits = {
    type: change.type ?? type,
    name,
    path: `${/^(?:setting|parameter)$/.test(type) ? `/${snake(name)}` : ''}${snake(change.path)}`,
    values: change.sensitive ? '' : `${textOf(change.desired)} ${textOf(change.actual)}`,
    change,
  };
  return CLASS_RULES.find((rule) => rule.holds(traits))?.class ?? 'configuration';
}

function named(resource: string, provider: string): { readonly type: string; readonly name: string } {
  if (provider === 'files') return { type: 'file', name: resource };
  return urn(resource) ?? prefixed(resource) ?? kind(resource) ?? address(resource) ?? { type: 'resource', name: resource };
}

/** `urn:pulumi:prod::shop::aws:ec2/securityGroup:SecurityGroup::web`, parents before a `$`. */
function urn(resource: string) {
  if (!resource.startsWith('urn:')) return undefined;
  const [, , types = '', ...name] = resource.split('::');
  return { type: types.slice(types.lastIndexOf('$') + 1), name: name.join('::') };
}

/** `role:reporting`, `setting:max_connections`. */
function prefixed(resource: string) {
  const found = /^([a-z][a-z0-9_-]{0,62}):(.*)$/su.exec(resource);
  return found?.[1] === undefined ? undefined : { type: found[1], name: found[2] ?? '' };
}

/** `Deployment/shop/api`, `ClusterRole/admin`, also after a group and version. */
function kind(resource: string) {
  const found = /^(?:[a-z0-9.-]+\/){0,2}([A-Z][A-Za-z0-9]{1,99})\/(.*)$/su.exec(resource);
  return found?.[1] === undefined ? undefined : { type: found[1], name: found[2] ?? '' };
}

/** `aws_instance.web[0]` below any modules; what stands between brackets may hold anything. */
function address(resource: string) {
  const bare = resource.replaceAll(/\[(?:"(?:[^"\\]|\\.)*"|[^\]"]*)\]/gu, '');
  const found = /^(?:module\.[\w-]+\.)*(?:data\.)?([a-z][a-z0-9-]*(?:_[a-z0-9_-]+)+)\.([\w-]+)$/u.exec(bare);
  return found?.[1] === undefined ? undefined : { type: found[1], name: found[2] ?? '' };
}

function snake(text: string): string {
  return text.replaceAll(/([a-z0-9])([A-Z])/gu, '$1_$2').replaceAll('-', '_').toLowerCase();
}

function textOf(value: Json | undefined): string {
  return value === undefined ? '' : (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 2000).toLowerCase();
}
