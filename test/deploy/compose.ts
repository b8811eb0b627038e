import { resolve } from 'node:path';

/** As much of a compose file as the checks read, after the validator has put every part into its long form. */
export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, { readonly file?: string }>>;
}

export interface Service {
  readonly image?: string;
  readonly build?: { readonly context?: string };
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly working_dir?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly network_mode?: string;
  readonly pid?: string;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly host_ip?: string; readonly target?: number }[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly secrets?: readonly { readonly source: string; readonly target: string }[];
  readonly tmpfs?: readonly string[];
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string; readonly read_only?: boolean }[];
}

/** The services that run Holdfast itself. */
export function holdfastServices({ services }: Compose): readonly (readonly [name: string, service: Service])[] {
  return Object.entries(services).filter(([, { command, entrypoint }]) => entrypoint == null && ['worker', 'doctor'].includes(command?.[0] ?? ''));
}

/** What the validator takes and what would fail, or be weaker than it must, once it runs. */
export function composeProblems(compose: Compose): readonly string[] {
  return Object.entries(compose.services).flatMap(([name, service]) =>
    [...imageProblems(service), ...openness(service), ...waiting(service, compose), ...hardening(service), ...named(service, compose)].map((problem) => `${name}: ${problem}`));
}

function imageProblems({ image = '' }: Service): readonly string[] {
  return /:\d+(\.\d+)+$/.test(image) ? [] : [`the image ${image} has no exact version`];
}

function openness({ ports = [], privileged, cap_add: added = [] }: Service): readonly string[] {
  return [
    ...ports.filter((port) => port.host_ip !== '127.0.0.1').map((port) => `port ${port.target ?? '?'} is open to other machines`),
    ...(privileged === true || added.length > 0 ? ['has more privileges than a container needs'] : []),
  ];
}

/** Whoever waits for health or an end must wait for something that has one. */
function waiting({ depends_on: others = {} }: Service, { services }: Compose): readonly string[] {
  return Object.entries(others).flatMap(([other, { condition }]) => {
    const service = services[other];
    const check = service?.healthcheck;
    if (condition === 'service_healthy' && (check?.test === undefined || check.disable === true)) return [`waits for the health of ${other}, which has no health check`];
    if (condition === 'service_completed_successfully' && ['always', 'unless-stopped'].includes(service?.restart ?? '')) return [`waits for the end of ${other}, which is started again for ever`];
    return [];
  });
}

const OURS = /^holdfast:/;

function hardening({ image = '', user = 'root', read_only: readOnly, cap_drop: dropped = [], security_opt: options = [], stop_grace_period: grace, command, entrypoint }: Service): readonly string[] {
  if (!OURS.test(image)) return [];
  const works = entrypoint == null && command?.[0] === 'worker';
  return [
    ...(/^[1-9]\d*:[1-9]\d*$/.test(user) ? [] : [`runs as ${user}`]),
    ...(readOnly === true ? [] : ['may write its image']),
    ...(dropped.includes('ALL') ? [] : ['keeps capabilities']),
    ...(options.includes('no-new-privileges:true') ? [] : ['may gain privileges']),
    ...(works && seconds(grace) < 30 ? ['has too little time to end'] : []),
  ];
}

function named({ volumes = [], secrets = [], environment = {}, networks = {}, depends_on: others = {}, network_mode: network = '', pid = '' }: Service, compose: Compose): readonly string[] {
  const services = [...Object.keys(others), ...[network, pid].flatMap((mode) => /^service:(.+)$/.exec(mode)?.[1] ?? [])];
  return [
    ...services.filter((service) => !(service in compose.services)).map((service) => `there is no service ${service}`),
    ...Object.keys(networks).filter((each) => each !== 'default' && !(each in (compose.networks ?? {}))).map((each) => `there is no network ${each}`),
    ...volumes.filter((volume) => volume.type === 'volume' && !(volume.source in (compose.volumes ?? {}))).map((volume) => `there is no volume ${volume.source}`),
    ...secrets.filter(({ source }) => !(source in (compose.secrets ?? {}))).map(({ source }) => `there is no secret ${source}`),
    ...Object.entries(environment).filter(([name]) => /(PASSWORD|PWD|SECRET|TOKEN|_KEY)$/.test(name)).map(([name]) => `${name} shows a secret to everybody who may look at the container`),
  ];
}

function seconds(text = '10s'): number {
  const [, minutes = '0', rest = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  return Number(minutes) * 60 + Number(rest);
}

/** Which services are given a secret. */
export function holders({ services }: Compose, secret: string): readonly string[] {
  return Object.entries(services).flatMap(([name, service]) => (service.secrets?.some(({ source }) => source === secret) === true ? [name] : []));
}

/** Everything that is mounted into a service, as paths. */
export function mountsOf({ volumes = [], tmpfs = [], secrets = [] }: Service): readonly string[] {
  return [...volumes.map((volume) => volume.target), ...tmpfs.map((each) => each.split(':')[0] ?? ''), ...secrets.map(({ target }) => resolve('/run/secrets', target))];
}
