import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { goTool, runTool, type ToolResult } from '../support/go-tools.js';
import { ROOT } from '../support/quickstart.js';
import { containersOf, manifestProblems, workloadsOf, type Manifest, type PodSpec } from './kubernetes.js';
import { processProblems, type HoldfastProcess } from './processes.js';
import { CONFIG, LEAST, REFUSED, VALUES, type ValuesCase } from './values.js';

const CHART = join(ROOT, 'deploy', 'helm', 'holdfast');
const KUBERNETES = ['--kube-version', '1.34.0'];
const helm = await goTool('helm');
const here = mkdtempSync(join(tmpdir(), 'holdfast-helm-'));
let files = 0;

afterAll(() => rmSync(here, { recursive: true, force: true }));

function file(name: string, content: unknown): string {
  files += 1;
  const path = join(here, `${files}-${name}`);
  writeFileSync(path, stringify(content));
  return path;
}

function run(args: readonly string[]): Promise<ToolResult> {
  if ('missing' in helm) throw new Error(helm.missing);
  return runTool(helm.path, args, { cwd: here, env: { PATH: process.env['PATH'], HELM_CACHE_HOME: here, HELM_CONFIG_HOME: here, HELM_DATA_HOME: here } });
}

function template(values: object, chart = CHART): Promise<ToolResult> {
  return run(['template', 'shop', chart, '--namespace', 'holdfast', ...KUBERNETES, '--values', file('values.yaml', values)]);
}

async function rendered(values: object, chart?: string): Promise<readonly Manifest[]> {
  const { code, stdout, stderr } = await template(values, chart);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest | null).filter((manifest) => manifest !== null);
}

function processesOf(name: string, pod: PodSpec): readonly HoldfastProcess[] {
  return containersOf(pod).map((container) => ({
    name: `${name} ${container.name}`,
    args: container.args ?? [],
    env: Object.fromEntries((container.env ?? []).map((variable) => [variable.name, variable.value])),
    mounts: (container.volumeMounts ?? []).map((mount) => mount.mountPath),
  }));
}

describe.skipIf('missing' in helm)('the Helm chart', () => {
  const cases = VALUES.map((each) => [each.reason, each] as const);

  test.each(cases)('%s: passes helm lint', async (_, { values }: ValuesCase) => {
    const { code, stdout, stderr } = await run(['lint', '--strict', CHART, ...KUBERNETES, '--values', file('values.yaml', values)]);
    expect(`${stdout}${stderr}`).toContain('0 chart(s) failed');
    expect(code).toBe(0);
  });

  test.each(cases)('%s: everything that is referred to is there, and nothing may more than it must', async (_, { values, secrets, configMaps = [] }: ValuesCase) => {
    expect(manifestProblems(await rendered(values), { secrets, configMaps })).toEqual([]);
  });

  test.each(cases)('%s: starts processes that Holdfast can be', async (_, each: ValuesCase) => {
    const manifests = await rendered(each.values);
    const config = manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['holdfast.yaml'];
    const path = file('holdfast.yaml', config === undefined ? CONFIG : parse(config));
    const processes = workloadsOf(manifests).flatMap(({ name, pod }) => processesOf(name, pod));
    const results = await Promise.all(processes.map((started) => processProblems(started, path)));
    expect(results.flatMap(({ problems }) => problems)).toEqual([]);
    const started = results.flatMap((result) => (result.started === undefined ? [] : [result.started]));
    expect(started.map(({ pools, access }) => `${pools.join()} ${access}`).sort()).toEqual([...each.processes].sort());
    expect(started.filter(({ control }) => control).map(({ access }) => access)).toEqual(['none']);
  });

  test.each(REFUSED)('refuses %s', async (_, values, says) => {
    const { code, stderr } = await template(values);
    expect(code).not.toBe(0);
    expect(stderr).toContain(says);
  });

  test('what only writers are given reaches nobody else', async () => {
    const only = { name: 'ARTIFACTS_URL', secret: 'writers-only', key: 'url' };
    const manifests = await rendered({ temporal: { address: 'temporal:7233' }, config: CONFIG, pools: [{ name: 'prod', write: { secretEnv: [only], serviceAccount: { annotations: { role: 'writers-only' } } } }] });
    const holding = manifests.filter((manifest) => JSON.stringify(manifest).includes('writers-only')).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(holding.sort()).toEqual(['Deployment/shop-holdfast-prod-write', 'ServiceAccount/shop-holdfast-prod-write']);
  });

  test('the notes say which pool nobody serves, and their commands are real', async () => {
    // Helm prints notes only to a cluster: here they are rendered as the text of a config map.
    const chart = join(here, 'with-notes');
    cpSync(CHART, chart, { recursive: true });
    const text = readFileSync(join(chart, 'templates', 'NOTES.txt'), 'utf8');
    writeFileSync(join(chart, 'templates', 'notes.yaml'), `{{ define "notes" }}${text}{{ end }}\nkind: ConfigMap\nmetadata: { name: notes }\ndata: { notes: {{ include "notes" . | quote }} }\n`);
    const manifests = await rendered({ temporal: { address: 'temporal:7233' }, config: CONFIG, pools: [{ name: 'prod', write: { replicas: 0 } }] }, chart);
    const notes = manifests.find(({ metadata }) => metadata.name === 'notes')?.data?.['notes'] ?? '';
    expect(notes).toContain('The pool prod has no write worker here: its repairs wait');
    expect(notes).not.toContain('no read worker');
    expect(notes).toContain('spoken to without TLS');
    const commands = [...notes.matchAll(/-- holdfast (.+)$/gm)].map((match) => (match[1] ?? '').split(' '));
    expect(commands.map((words) => words.find((word) => word === 'doctor' || word === 'status'))).toEqual(['doctor', 'status']);
    const path = file('holdfast.yaml', CONFIG);
    for (const args of commands) {
      const { problems } = await processProblems({ name: 'notes', args, env: {}, mounts: ['/etc/holdfast', '/var/lib/holdfast'] }, path);
      expect(problems).toEqual([]);
    }
  });
});

test('the chart names the version of the package', () => {
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as { appVersion: string };
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(chart.appVersion).toBe(version);
});

type Changeable = Record<string, unknown>;

/** Puts a value at a path of the first manifest of a kind; `undefined` removes what is there. */
function plant(kind: string, path: readonly (string | number)[], value: unknown): (manifests: Manifest[]) => void {
  return (manifests) => {
    let at = manifests.find((each) => each.kind === kind) as unknown as Changeable;
    for (const key of path.slice(0, -1)) at = at[key] as Changeable;
    const last = path.at(-1) ?? '';
    if (value === undefined) Reflect.deleteProperty(at, last);
    else at[last] = value;
  };
}

const POD = ['spec', 'template', 'spec'];
const CONTAINER = [...POD, 'containers', 0];

describe.skipIf('missing' in helm)('a mistake in the manifests is found', () => {
  let manifests: readonly Manifest[] = [];
  const outside = { secrets: LEAST.secrets };

  beforeAll(async () => {
    manifests = await rendered(LEAST.values);
    expect(manifestProblems(manifests, outside)).toEqual([]);
  });

  test.each<[string, (copy: Manifest[]) => void, string]>([
    ['a selector that takes other pods too', plant('Deployment', ['spec', 'selector', 'matchLabels'], { 'app.kubernetes.io/name': 'holdfast' }), 'its selector takes'],
    ['a disruption budget for no pod', plant('PodDisruptionBudget', ['spec', 'selector', 'matchLabels', 'app.kubernetes.io/component'], 'other'), 'takes nothing'],
    ['a spread that counts other pods', plant('Deployment', [...POD, 'topologySpreadConstraints', 0, 'labelSelector'], { matchLabels: { app: 'x' } }), 'does not count its own pods'],
    ['an account that is not there', plant('Deployment', [...POD, 'serviceAccountName'], 'gone'), 'no service account gone'],
    ['a secret that nobody promised', plant('Deployment', [...CONTAINER, 'env'], [{ name: 'X', valueFrom: { secretKeyRef: { name: 'gone' } } }]), 'no secret gone'],
    ['a variable given twice', plant('Deployment', [...CONTAINER, 'env'], [{ name: 'X', value: '1' }, { name: 'X', value: '2' }]), 'is given X twice'],
    ['a configuration that is not there', (copy) => void copy.splice(copy.findIndex(({ kind }) => kind === 'ConfigMap'), 1), 'no config map'],
    ['a mount of no volume', plant('Deployment', [...POD, 'volumes'], []), 'which is no volume'],
    ['root', plant('Deployment', [...POD, 'securityContext', 'runAsUser'], 0), 'may run as root'],
    ['no seccomp profile', plant('Deployment', [...POD, 'securityContext', 'seccompProfile'], undefined), 'no seccomp profile'],
    ['a way to privileges', plant('Deployment', [...CONTAINER, 'securityContext', 'allowPrivilegeEscalation'], true), 'may gain privileges'],
    ['a writable image', plant('Deployment', [...CONTAINER, 'securityContext', 'readOnlyRootFilesystem'], undefined), 'may write its image'],
    ['a capability', plant('Deployment', [...CONTAINER, 'securityContext', 'capabilities', 'add'], ['CHOWN']), 'keeps capabilities'],
    ['an image of any version', plant('Deployment', [...CONTAINER, 'image'], 'holdfast:latest'), 'without a version'],
    ['no probe', plant('Deployment', [...CONTAINER, 'livenessProbe'], undefined), 'lacks a probe'],
    ['no limit', plant('Deployment', [...CONTAINER, 'resources'], undefined), 'no memory limit'],
    ['too little time to end', plant('Deployment', [...POD, 'terminationGracePeriodSeconds'], 5), 'too little time'],
    ['a label that is a number', plant('Deployment', ['metadata', 'labels', 'holdfast/pool'], 7), 'cannot be 7'],
    ['the same object twice', (copy) => void copy.push(...copy.slice(0, 1)), 'is there twice'],
  ])('%s', (_, change, found) => {
    const copy = structuredClone(manifests) as Manifest[];
    change(copy);
    expect(manifestProblems(copy, outside).join('\n')).toContain(found);
  });
});

describe('a mistake in how a process is started is found', () => {
  const worker = ['worker', '--config', '/etc/holdfast/holdfast.yaml', '--data-dir', '/var/lib/holdfast'];
  const sound: HoldfastProcess = { name: 'worker', args: [...worker, '--pool', 'prod', '--access', 'write'], env: { TEMPORAL_ADDRESS: 'x:1', GIT_TOKEN: undefined }, mounts: ['/etc/holdfast', '/var/lib/holdfast'] };

  test.each<[string, Partial<HoldfastProcess>, string]>([
    ['an option that the command has not', { args: [...worker, '--pools', 'prod'] }, '--pools'],
    ['a pool that the configuration has not', { args: [...worker, '--pool', 'production'] }, 'no pool production'],
    ['a command that is none', { args: ['workers'] }, 'workers'],
    ['a look at something that doctor does not know', { args: ['doctor', '--only', 'attributes'] }, 'attributes'],
    ['a variable that nobody reads', { env: { TEMPORAL_TLS_CERT: 'x' } }, 'nothing reads the variable TEMPORAL_TLS_CERT'],
    ['a file that is not mounted', { mounts: ['/var/lib/holdfast'] }, '/etc/holdfast/holdfast.yaml is named and not mounted'],
    ['a certificate that is not mounted', { env: { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/tls/ca.crt' } }, '/tls/ca.crt is named and not mounted'],
  ])('%s', async (_, change, found) => {
    const path = file('holdfast.yaml', CONFIG);
    expect((await processProblems(sound, path)).problems).toEqual([]);
    expect((await processProblems({ ...sound, ...change }, path)).problems.join('\n')).toContain(found);
  });
});
