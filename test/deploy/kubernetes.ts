/** As much of a rendered manifest as the checks read. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Spec;
}

type Labels = Readonly<Record<string, unknown>>;

interface Spec {
  readonly selector?: { readonly matchLabels?: Labels };
  readonly podSelector?: { readonly matchLabels?: Labels };
  readonly template?: { readonly metadata?: { readonly labels?: Labels }; readonly spec?: PodSpec };
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: { readonly runAsNonRoot?: boolean; readonly runAsUser?: number; readonly seccompProfile?: { readonly type?: string } };
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly topologySpreadConstraints?: readonly { readonly labelSelector?: { readonly matchLabels?: Labels } }[];
}

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string } } }[];
  readonly securityContext?: { readonly allowPrivilegeEscalation?: boolean; readonly readOnlyRootFilesystem?: boolean; readonly privileged?: boolean; readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] } };
  readonly resources?: { readonly requests?: object; readonly limits?: { readonly memory?: string } };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
  readonly startupProbe?: object;
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
}

export interface Outside {
  /** Secrets and config maps that the values say are there. */
  readonly secrets: readonly string[];
  readonly configMaps?: readonly string[];
}

interface Workload {
  readonly name: string;
  readonly labels: Labels;
  readonly pod: PodSpec;
}

/** Every workload of the manifests, with the specification of its pods. */
export function workloadsOf(manifests: readonly Manifest[]): readonly Workload[] {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    const pod = spec?.template?.spec;
    return pod === undefined ? [] : [{ name: `${kind}/${metadata.name}`, labels: spec?.template?.metadata?.labels ?? {}, pod }];
  });
}

/** What a cluster would refuse, or would take and leave broken. */
export function manifestProblems(manifests: readonly Manifest[], outside: Outside): readonly string[] {
  const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  return [
    ...repeated(names).map((name) => `${name} is there twice`),
    ...names.filter((name) => (name.split('/')[1] ?? '').length > 63).map((name) => `the name ${name} is too long`),
    ...manifests.flatMap(labelProblems),
    ...selectorProblems(manifests),
    ...workloadsOf(manifests).flatMap(({ name, pod }) => [...referenceProblems(pod, manifests, outside), ...securityProblems(pod), ...livingProblems(pod)].map((problem) => `${name}: ${problem}`)),
  ];
}

function labelProblems({ kind, metadata, spec }: Manifest): readonly string[] {
  const all = [...Object.entries(metadata.labels ?? {}), ...Object.entries(spec?.template?.metadata?.labels ?? {})];
  const isLabel = (value: unknown): boolean => typeof value === 'string' && /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/.test(value);
  return all.filter(([, value]) => !isLabel(value)).map(([name, value]) => `${kind}/${metadata.name}: the label ${name} cannot be ${String(value)}`);
}

function selects(selector: Labels | undefined, labels: Labels): boolean {
  return selector !== undefined && Object.keys(selector).length > 0 && Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** A selector must take the pods it is for; a Deployment's no others. */
function selectorProblems(manifests: readonly Manifest[]): readonly string[] {
  const workloads = workloadsOf(manifests);
  return manifests.flatMap(({ kind, metadata, spec }) => {
    const name = `${kind}/${metadata.name}`;
    const selector = spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels;
    const taken = workloads.filter(({ labels }) => selects(selector, labels)).map((each) => each.name);
    const wrong = [`${name}: its selector takes ${taken.join(', ') || 'nothing'}`];
    if (kind === 'Deployment') return [...(taken.length === 1 && taken[0] === name ? [] : wrong), ...spreadProblems(name, spec)];
    if (kind === 'PodDisruptionBudget') return taken.length === 1 ? [] : wrong;
    return kind === 'NetworkPolicy' && taken.length !== workloads.length ? wrong : [];
  });
}

function spreadProblems(name: string, spec: Spec | undefined): readonly string[] {
  const labels = spec?.template?.metadata?.labels ?? {};
  const spread = spec?.template?.spec?.topologySpreadConstraints ?? [];
  return spread.filter(({ labelSelector }) => !selects(labelSelector?.matchLabels, labels)).map(() => `${name}: a spread constraint does not count its own pods`);
}

function referenceProblems(pod: PodSpec, manifests: readonly Manifest[], outside: Outside): readonly string[] {
  const has = (kind: string, name: string | undefined): boolean => manifests.some((each) => each.kind === kind && each.metadata.name === name);
  const volumes = pod.volumes ?? [];
  const containers = containersOf(pod);
  const secrets = [...volumes.flatMap((volume) => volume.secret?.secretName ?? []), ...containers.flatMap(({ env = [] }) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []))];
  const maps = volumes.flatMap((volume) => volume.configMap?.name ?? []);
  return [
    ...(has('ServiceAccount', pod.serviceAccountName) ? [] : [`no service account ${pod.serviceAccountName ?? ''}`]),
    ...secrets.filter((name) => !outside.secrets.includes(name)).map((name) => `no secret ${name}`),
    ...maps.filter((name) => !has('ConfigMap', name) && outside.configMaps?.includes(name) !== true).map((name) => `no config map ${name}`),
    ...containers.flatMap(({ name, volumeMounts = [], env = [] }) => [
      ...volumeMounts.filter((mount) => !volumes.some((volume) => volume.name === mount.name)).map((mount) => `${name} mounts ${mount.name}, which is no volume`),
      ...repeated(volumeMounts.map((mount) => mount.mountPath)).map((path) => `${name} mounts ${path} twice`),
      ...repeated(env.map((variable) => variable.name)).map((variable) => `${name} is given ${variable} twice`),
    ]),
    ...volumes.filter((volume) => !containers.some(({ volumeMounts = [] }) => volumeMounts.some((mount) => mount.name === volume.name))).map((volume) => `the volume ${volume.name} is mounted nowhere`),
  ];
}

function securityProblems(pod: PodSpec): readonly string[] {
  const context = pod.securityContext;
  return [
    ...(context?.runAsNonRoot === true && context.runAsUser !== undefined && context.runAsUser > 0 ? [] : ['may run as root']),
    ...(context?.seccompProfile?.type === 'RuntimeDefault' ? [] : ['has no seccomp profile']),
    ...containersOf(pod).flatMap(({ name, image = '', securityContext }) => [
      ...(securityContext?.allowPrivilegeEscalation === false && securityContext.privileged !== true ? [] : [`${name} may gain privileges`]),
      ...(securityContext?.readOnlyRootFilesystem === true ? [] : [`${name} may write its image`]),
      ...(securityContext?.capabilities?.drop?.includes('ALL') === true && (securityContext.capabilities.add ?? []).length === 0 ? [] : [`${name} keeps capabilities`]),
      ...(/(@sha256:[0-9a-f]{64}|:(?!latest$)[\w.-]+)$/.test(image) ? [] : [`${name} runs an image without a version: ${image}`]),
    ]),
  ];
}

/** A worker that is told to end gives its steps 20 seconds, and then closes what it holds. */
const LEAST_GRACE_S = 30;

function livingProblems(pod: PodSpec): readonly string[] {
  return [
    ...((pod.terminationGracePeriodSeconds ?? 0) >= LEAST_GRACE_S ? [] : ['has too little time to end']),
    ...pod.containers.flatMap(({ name, resources, livenessProbe, readinessProbe, startupProbe }) => [
      ...(livenessProbe !== undefined && readinessProbe !== undefined && startupProbe !== undefined ? [] : [`${name} lacks a probe`]),
      ...(resources?.requests !== undefined && resources.limits?.memory !== undefined ? [] : [`${name} has no memory limit`]),
    ]),
  ];
}

export function containersOf(pod: PodSpec): readonly Container[] {
  return [...(pod.initContainers ?? []), ...pod.containers];
}

function repeated(values: readonly string[]): readonly string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
