import type { Json } from '../json.js';

/** Whose names and ids are taken out of a text, so that the same mistake in two environments reads alike. */
export interface Bound {
  readonly environment: string;
  readonly target: string;
  /** `vars` of the environment: what the configuration itself says differs from one environment to the next. */
  readonly vars?: Readonly<Record<string, string | number | boolean>>;
}

/** Of one change: an id that stands in two of its values is the same id in both. */
export type Normalise = (value: Json) => Json;

/** A shorter variable is as likely to be met by chance. */
const LEAST_VARIABLE = 4;

const UUID = /(?<![0-9A-Za-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9A-Za-z])/gi;
const ARN = /(?<![0-9A-Za-z])(arn:aws[a-z-]*:[a-z0-9-]*:)([a-z0-9-]*):(\d{12}|aws|):/g;
/** What a cloud gives to one instance of a thing. Images and snapshots are content, and stay. */
const CLOUD_ID = /(?<![0-9A-Za-z-])(acl|eipalloc|eni|fs|fsap|i|igw|lt|nat|pcx|rtb|sg|sgr|subnet|tgw|vol|vpc|vpce)-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![0-9A-Za-z])/g;
const REGISTRY = /(?<![0-9A-Za-z])(\d{12})\.dkr\.ecr\.([a-z]{2}(?:-[a-z]+)+-\d)\./g;
/** One name: of a host, a bucket, a role. A colon ends it, since what follows one in an image is its tag. */
const NAME = /[0-9A-Za-z](?:[0-9A-Za-z._-]*[0-9A-Za-z])?/g;
const REGION = /(?<![0-9A-Za-z])(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov)?-(?:central|east|north|northeast|northwest|south|southeast|southwest|west)-\d[a-f]?(?![0-9A-Za-z])/g;
const ACCOUNT = /(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])/g;
/** Letters and digits mixed, as nobody writes by hand: what a generator puts behind a name. */
const GENERATED = /(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)(?:[0-9a-f]{8,10}|[0-9a-f]{16,17})(?![0-9A-Za-z])/g;

/** What is bound to an environment only beside its name or its target's. */
const WITH_A_NAME: readonly (readonly [RegExp, string])[] = [[REGION, 'region'], [ACCOUNT, 'account'], [GENERATED, 'id']];

/**
 * Takes out what is bound to one environment: its name and its target's, its variables, account
 * numbers where only an account can stand, UUIDs and ids of a cloud's instances; and in a name that
 * holds the environment's or the target's, the region and what was generated too. Everything else
 * stays apart: digests, versions, sizes, addresses. Each call of what is returned begins a change.
 */
export function normaliser(bound: Bound): () => Normalise {
  const variables = variablesOf(bound);
  const names = [...formsOf(bound.environment, 'environment'), ...formsOf(bound.target, 'target')];

  function text(given: string, ids: Map<string, number>): string {
    const whole = variables.find(({ value }) => value === given);
    if (whole !== undefined) return whole.mark;
    const numbered = (kind: string, id: string): string => {
      const key = `${kind} ${id.toLowerCase()}`;
      ids.set(key, ids.get(key) ?? ids.size + 1);
      return `<${kind} ${ids.get(key) ?? 0}>`;
    };
    const inName = (name: string): string => {
      const own = names.reduce((sofar, [pattern, mark]) => outside(sofar, (plain) => plain.replace(pattern, mark)), name);
      if (own === name) return name;
      return WITH_A_NAME.reduce((sofar, [pattern, kind]) => outside(sofar, (plain) => plain.replace(pattern, (found) => numbered(kind, found))), own);
    };
    const steps: readonly ((plain: string) => string)[] = [
      (plain) => plain.replace(ARN, (_all, head: string, region: string, account: string) => `${head}${region === '' ? '' : numbered('region', region)}:${/^\d/.test(account) ? numbered('account', account) : account}:`),
      (plain) => plain.replace(REGISTRY, (_all, account: string, region: string) => `${numbered('account', account)}.dkr.ecr.${numbered('region', region)}.`),
      (plain) => plain.replace(UUID, (found) => numbered('uuid', found)),
      (plain) => plain.replace(CLOUD_ID, (found, kind: string) => numbered(kind, found)),
      ...variables.map(({ pattern, mark }) => (plain: string) => plain.replace(pattern, mark)),
      (plain) => plain.replace(NAME, inName),
    ];
    // `<` begins a mark. One that was written is doubled, so that nothing can be mistaken for a mark.
    return steps.reduce((sofar, step) => outside(sofar, step), given.replaceAll('<', '<<'));
  }

  function normalise(value: Json, ids: Map<string, number>): Json {
    if (typeof value === 'string') return text(value, ids);
    if (typeof value === 'number') {
      const variable = variables.find((each) => each.value === String(value));
      return variable === undefined ? value : { number: variable.mark };
    }
    if (Array.isArray(value)) return value.map((item: Json) => normalise(item, ids));
    if (typeof value !== 'object' || value === null) return value;
    // As pairs, in the order of what the keys read like: two that read alike stay two.
    const members = Object.entries(value as Record<string, Json | undefined>).flatMap(([key, item]) => (item === undefined ? [] : [{ key, item, sort: text(key, new Map()) }]));
    members.sort((one, other) => (one.sort === other.sort ? (one.key < other.key ? -1 : 1) : one.sort < other.sort ? -1 : 1));
    return { object: members.map(({ key, item }) => [text(key, ids), normalise(item, ids)]) };
  }

  return () => {
    const ids = new Map<string, number>();
    return (value) => normalise(value, ids);
  };
}

interface Variable {
  readonly value: string;
  readonly mark: string;
  readonly pattern: RegExp;
}

/** Longest first, so that a variable that holds another is not cut. */
function variablesOf({ vars = {} }: Bound): readonly Variable[] {
  const known = Object.entries(vars).filter(([, value]) => typeof value !== 'boolean' && String(value).length >= LEAST_VARIABLE);
  const sorted = known.map(([name, value]) => ({ name, value: String(value) })).sort((one, other) => other.value.length - one.value.length || (one.name < other.name ? -1 : 1));
  return sorted.map(({ name, value }) => ({ value, mark: `<vars.${name}>`, pattern: whole(value) }));
}

/** A name as it is, in capitals and with its first letter large: each is a mark of its own. */
function formsOf(name: string, kind: string): readonly (readonly [RegExp, string])[] {
  if (name === '') return [];
  const forms: readonly (readonly [string, string])[] = [[name, kind], [name.toUpperCase(), kind.toUpperCase()], [capital(name), capital(kind)]];
  const distinct = forms.filter(([form], index) => forms.findIndex(([each]) => each === form) === index);
  return distinct.map(([form, said]) => [whole(form), `<${said}>`]);
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** The text where it stands for itself, not within a longer word. */
function whole(text: string): RegExp {
  return new RegExp(`(?<![0-9A-Za-z])${text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}(?![0-9A-Za-z])`, 'g');
}

/** Replaces between the marks alone. */
function outside(text: string, replace: (plain: string) => string): string {
  return text.split(/((?:<<)+|<[^<>]+>)/).map((part, index) => (index % 2 === 1 ? part : replace(part))).join('');
}
