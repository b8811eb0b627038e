import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authority } from '../support/certificates.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { keyFront, tlsFront, type Front, type KeyFront } from '../support/fronts.js';
import { newNamespace, openLaboratory, type Laboratory, type Place } from '../support/laboratory.js';
import { HOLDFAST, startNode } from '../support/processes.js';
import { eventually } from '../support/waiting.js';

const FILES = { 'etc/app.json': '{"port":80}\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };
const KEY = 'tk-first-4f8a1c';
const NEXT_KEY = 'tk-second-9b2e7d';
const WRONG_KEY = 'tk-wrong-77aa01';
const SECONDS = 1_000;

type Env = Readonly<Record<string, string>>;

let server: DevServer;
let folder: string;
let place: Place;
let lab: Laboratory;
let tls: Front;
let keyed: KeyFront;
const ours = authority('test authority');
const theirs = authority('another authority');

beforeAll(async () => {
  server = await devServer();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-connect-'));
  place = await newNamespace(server.address);
  lab = await openLaboratory(place, { targets: ['variables', 'profile', 'keyed', 'renewed'].map((name) => ({ address: `prod/${name}`, files: FILES })) });
  tls = await tlsFront({ plain: server.address, authority: ours });
  keyed = await keyFront({ plain: server.address, authority: ours, key: KEY });
  const certificates = { ours: ours.crt, theirs: theirs.crt };
  for (const [name, crt] of Object.entries(certificates)) await writeFile(file(name), crt);
  for (const [name, { crt, key }] of Object.entries({ client: ours.issue('worker'), expired: ours.issue('worker', -60_000), stranger: theirs.issue('worker') })) {
    await writeFile(file(name), crt);
    await writeFile(file(`${name}-key`), key);
  }
}, 300_000);

afterAll(async () => {
  await lab.close();
  await Promise.all([tls.close(), keyed.close()]);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function file(name: string): string {
  return join(folder, `${name}.pem`);
}

function certified(client: string, ca = 'ours'): Env {
  return {
    TEMPORAL_ADDRESS: tls.address,
    TEMPORAL_NAMESPACE: place.namespace,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file(ca),
    TEMPORAL_TLS_CLIENT_CERT_PATH: file(client),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file(`${client}-key`),
  };
}

function withKey(key: string): Env {
  return { TEMPORAL_ADDRESS: keyed.address, TEMPORAL_NAMESPACE: place.namespace, TEMPORAL_API_KEY: key, TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ours') };
}

/** Nothing of the machine's own settings. */
const NOTHING: Env = { TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml' };

async function holdfast(args: readonly string[], env: Env): Promise<{ readonly code: number | string; readonly said: string; readonly ms: number }> {
  const started = Date.now();
  const running = startNode([HOLDFAST, ...args, '--config', lab.site.config, '--data-dir', lab.site.dataDir], { ...NOTHING, ...env });
  const code = await running.ended;
  return { code, said: running.said(), ms: Date.now() - started };
}

async function repairsThrough(address: string, env: Env): Promise<void> {
  const worker = await lab.worker([], env);
  try {
    await lab.site.drift(address, DRIFT);
    expect((await holdfast(['check', address, '--remote', '--wait'], env)).said).toContain('1 drifted');
    const { parts } = await lab.untilPhase(address, 'awaiting-approval');
    expect((await holdfast(['status'], env)).said).toContain('waits for an approval');
    expect(await holdfast(['doctor'], env)).toMatchObject({ code: 0 });
    expect(await holdfast(['approve', address, '--plan', parts[0]?.plan ?? '', '--reason', 'again'], env)).toMatchObject({ code: 0 });
    expect((await lab.untilClosed(address)).outcome).toBe('fixed');
  } finally {
    await worker.stop();
  }
}

describe('a Temporal that asks who comes', () => {
  test('TLS with a client certificate, by variables: a worker repairs, and commands work', () => repairsThrough('prod/variables', certified('client')), 300_000);

  test('the same by a profile in the file of the Temporal CLI', async () => {
    const toml = join(folder, 'temporal.toml');
    const profile = [
      '[profile.prod]', `address = "${tls.address}"`, `namespace = "${place.namespace}"`,
      '[profile.prod.tls]', `server_ca_cert_path = "${file('ours')}"`, `client_cert_path = "${file('client')}"`, `client_key_path = "${file('client-key')}"`,
    ];
    await writeFile(toml, profile.join('\n'));
    const env = { TEMPORAL_CONFIG_FILE: toml, TEMPORAL_PROFILE: 'prod', TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: '' };
    await repairsThrough('prod/profile', env);
    expect((await holdfast(['doctor'], env)).said).toContain('the settings of the Temporal CLI');
  }, 300_000);

  test('an API key and metadata, and a new key in the file is taken without a restart', async () => {
    const toml = join(folder, 'keyed.toml');
    const write = (key: string): Promise<void> => writeFile(toml, ['[profile.default]', `address = "${keyed.address}"`, `namespace = "${place.namespace}"`, `api_key = "${key}"`, '[profile.default.tls]', `server_ca_cert_path = "${file('ours')}"`, '[profile.default.grpc_meta]', 'x-team = "web"'].join('\n'));
    const env = { TEMPORAL_CONFIG_FILE: toml, TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: '' };
    await write(KEY);
    await repairsThrough('prod/keyed', env);
    expect(keyed.last()).toMatchObject({ 'x-team': 'web', authorization: `Bearer ${KEY}` });
    const worker = await lab.worker([], env);
    // As keys are rotated: both are good for a while.
    keyed.take(KEY, NEXT_KEY);
    await write(NEXT_KEY);
    await eventually('the new key is read', () => (worker.said().includes('a new API key') ? true : undefined));
    await eventually('it asks for work with the new key', () => (keyed.last().authorization === `Bearer ${NEXT_KEY}` ? true : undefined), { timeoutMs: 90_000 });
    keyed.take(NEXT_KEY);
    await lab.site.drift('prod/renewed', DRIFT);
    await lab.check('prod/renewed');
    await lab.untilPhase('prod/renewed', 'awaiting-approval');
    expect((await lab.approve('prod/renewed')).result).toBe('accepted');
    expect((await lab.untilClosed('prod/renewed')).outcome).toBe('fixed');
    expect(worker.said()).not.toContain(NEXT_KEY);
    await worker.stop();
  }, 300_000);
});

describe('what is wrong with the connection is said in a line, with the remedy, soon, and without a secret', () => {
  const cases: readonly { readonly wrong: string; readonly env: () => Env; readonly says: RegExp; readonly remedy: RegExp }[] = [
    { wrong: 'an authority that did not sign the server', env: () => certified('client', 'theirs'), says: /signed by nobody that is trusted/, remedy: /TEMPORAL_TLS_SERVER_CA_CERT_PATH/ },
    { wrong: 'an expired client certificate', env: () => certified('expired'), says: /refuses the client certificate/, remedy: /expired/ },
    { wrong: 'a client certificate of another authority', env: () => certified('stranger'), says: /refuses the client certificate/, remedy: /TEMPORAL_TLS_CLIENT_CERT_PATH/ },
    { wrong: 'no client certificate', env: () => ({ TEMPORAL_ADDRESS: tls.address, TEMPORAL_NAMESPACE: place.namespace, TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ours') }), says: /without a client certificate/, remedy: /TEMPORAL_TLS_CLIENT_CERT_PATH/ },
    { wrong: 'a certificate without its key', env: () => ({ TEMPORAL_ADDRESS: tls.address, TEMPORAL_TLS_CLIENT_CERT_PATH: file('client') }), says: /one of them is missing/, remedy: /TEMPORAL_\*/ },
    { wrong: 'a key of another certificate', env: () => ({ ...certified('client'), TEMPORAL_TLS_CLIENT_KEY_PATH: file('stranger-key') }), says: /cannot be used/, remedy: /PEM/ },
    { wrong: 'a certificate file that is not there', env: () => ({ ...certified('client'), TEMPORAL_TLS_CLIENT_CERT_PATH: file('nowhere') }), says: /nowhere\.pem/, remedy: /TEMPORAL_\*/ },
    { wrong: 'no TLS where it is expected', env: () => ({ TEMPORAL_ADDRESS: tls.address, TEMPORAL_NAMESPACE: place.namespace }), says: /not as Temporal does without TLS/, remedy: /TEMPORAL_TLS=true/ },
    { wrong: 'TLS where there is none', env: () => ({ TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: place.namespace, TEMPORAL_TLS: 'true' }), says: /does not speak TLS/, remedy: /TEMPORAL_TLS/ },
    { wrong: 'a wrong API key', env: () => withKey(WRONG_KEY), says: /refuses access/, remedy: /TEMPORAL_API_KEY/ },
    { wrong: 'no API key', env: () => ({ TEMPORAL_ADDRESS: keyed.address, TEMPORAL_NAMESPACE: place.namespace, TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ours') }), says: /refuses access/, remedy: /TEMPORAL_API_KEY/ },
    { wrong: 'a namespace that is not there', env: () => ({ TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'nowhere' }), says: /has no namespace nowhere/, remedy: /TEMPORAL_NAMESPACE/ },
    { wrong: 'an address that is a URL', env: () => ({ TEMPORAL_ADDRESS: `http://${server.address}` }), says: /is not the address/, remedy: /HOST:PORT/ },
    { wrong: 'TLS asked for in a word that counts for none', env: () => ({ TEMPORAL_ADDRESS: server.address, TEMPORAL_TLS: 'True' }), says: /TEMPORAL_TLS is true, false, 1 or 0/, remedy: /TEMPORAL_\*/ },
    { wrong: 'an API key with a line break in it', env: () => withKey(`${WRONG_KEY}\nx`), says: /API key.*line break/, remedy: /TEMPORAL_\*/ },
    { wrong: 'nobody there', env: () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }), says: /does not answer/, remedy: /TEMPORAL_ADDRESS/ },
  ];

  test.concurrent.each(cases)('$wrong', async ({ env, says, remedy }) => {
    for (const command of [['worker'], ['doctor']]) {
      const { code, said, ms } = await holdfast(command, env());
      expect(said).toMatch(says);
      expect(said).toMatch(remedy);
      expect(code, said).toBe(1);
      expect(ms).toBeLessThan(30 * SECONDS);
      expect(said).not.toMatch(new RegExp(`${WRONG_KEY}|BEGIN|^\\s+at `, 'm'));
      if (command[0] !== 'doctor') expect(said.trim().split('\n').length, said).toBeLessThanOrEqual(2);
    }
  }, 300_000);
});
