/** One person, under every name by which anything may know them. */
export interface Principal {
  readonly name: string;
  /** As the identity provider says it, most often an e-mail address. */
  readonly oidc?: string;
  /** Public SSH keys, that they sign with. */
  readonly keys: readonly PrincipalKey[];
  /** Other names of the same person: e-mail addresses of commits, accounts of engines (`os:asmith`), a second sign-in (`oidc:…`). */
  readonly aliases: readonly string[];
}

/** A key that a person signs with. */
export interface PrincipalKey {
  /** As in a `.pub` file. */
  readonly key: string;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  /** ISO, UTC: signs from then on. Absent: always did. */
  readonly from?: string;
  /** ISO, UTC: signs nothing from then on; what it signed before stays. */
  readonly until?: string;
}

/** Who is who, and who is in which group. */
export interface People {
  readonly principals: readonly Principal[];
  /** Members as written: a principal, `oidc:NAME`, or `oidc:group/NAME`, which only a sign-in can prove. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
}

export const NOBODY: People = { principals: [], groups: {} };

/** The name of a person as it stands where a decision names one: the principal, or, of nobody who is known, the name as given. */
export function principalOf(people: People, given: string): string {
  const name = normal(given);
  return ownersOf(people).get(name) ?? name;
}

/**
 * Who is meant by whoever an engine or a commit names: `os:alice`, `Alice Smith <alice@example.com>`.
 * Taken broadly, since it is asked only for who may not approve.
 */
export function causerOf(people: People, given: string): string {
  const owners = ownersOf(people);
  const known = namesWithin(given).map((name) => owners.get(name)).find((owner) => owner !== undefined);
  return known ?? normal(given.replace(/^os:/i, ''));
}

export function isMember(people: People, group: string, person: string): boolean {
  return membersOf(people, group).includes(person);
}

/** The people in a group, each once. Members that only a sign-in can prove are nobody by name. */
export function membersOf(people: People, group: string): readonly string[] {
  const members = Object.hasOwn(people.groups, group) ? (people.groups[group] ?? []) : [];
  return [...new Set(members.filter((member) => !isDirectoryGroup(member)).map((member) => principalOf(people, member)))];
}

/** `oidc:group/sre`: whoever the identity provider says is in it. */
export function isDirectoryGroup(member: string): boolean {
  return member.startsWith('oidc:group/');
}

/** Everything that names this person and nobody else. */
export function namesOf(principal: Principal): readonly string[] {
  const { name, oidc, keys, aliases } = principal;
  return [...new Set([name, ...(oidc === undefined ? [] : [oidc, `oidc:${oidc}`]), ...keys.map(({ key }) => key), ...aliases].map(normal))];
}

const indexes = new WeakMap<People, ReadonlyMap<string, string>>();

function ownersOf(people: People): ReadonlyMap<string, string> {
  const known = indexes.get(people);
  if (known !== undefined) return known;
  const owners = new Map(people.principals.flatMap((principal) => namesOf(principal).map((name): [string, string] => [name, principal.name])));
  indexes.set(people, owners);
  return owners;
}

/** A key is compared without its comment and to the letter; any other name however it is capitalised. */
function normal(given: string): string {
  const text = given.trim().normalize('NFC');
  const [type = '', key] = text.split(/\s+/);
  return key !== undefined && /^(?:ssh-|ecdsa-|sk-)/.test(type) ? `${type} ${key}` : text.toLowerCase();
}

/** The whole of it, the address in angle brackets, the name before them, and what stands after `os:` and the like. */
function namesWithin(given: string): readonly string[] {
  const [, before = '', address = ''] = /^([^<]*)<([^<>]*)>/.exec(given) ?? [];
  const [, bare = ''] = /^[a-z]+:(.+)$/i.exec(given) ?? [];
  return [given, address, `oidc:${address}`, before, bare].map(normal).filter((name) => name !== '' && name !== 'oidc:');
}
