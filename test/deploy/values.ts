/** Values as somebody may write them, and what they say is there already. */
export interface ValuesCase {
  readonly reason: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
  readonly configMaps?: readonly string[];
  /** Pool and access of every kind of process that must come of them. */
  readonly processes: readonly string[];
}

export const CONFIG = {
  version: 1,
  project: 'shop',
  ledger: { postgres: '${env:LEDGER_URL}', signingKey: '${env:LEDGER_SIGNING_KEY}' },
  artifacts: { postgres: '${env:ARTIFACTS_URL}', keys: { staging: ['${env:ARTIFACT_KEY_STAGING}'], prod: ['${env:ARTIFACT_KEY_PROD}'] } },
  environments: { staging: { schedule: '*/5 * * * *' }, prod: { schedule: '*/15 * * * *', timezone: 'Europe/London' } },
  targets: {
    storefront: {
      environments: ['staging', 'prod'],
      provider: 'files',
      source: { git: 'https://git.example.com/shop.git', path: 'desired', auth: { token: '${env:GIT_TOKEN}' } },
      spec: { root: '/srv/shop/current' },
      health: [{ type: 'http', url: 'https://shop.example.com/healthz' }],
    },
  },
};

const TEMPORAL = { address: 'temporal-frontend.temporal:7233', namespace: 'holdfast' };
const TOKEN = { name: 'GIT_TOKEN', secret: 'holdfast-git', key: 'token' };
const LONG = 'p'.repeat(60);

/** What docs/deploying.md gives to each. */
const CONTROL = { secretEnv: [{ name: 'LEDGER_URL', secret: 'holdfast-control', key: 'ledger-url' }, { name: 'ARTIFACTS_URL', secret: 'holdfast-control', key: 'ledger-url' }, { name: 'LEDGER_SIGNING_KEY', secret: 'holdfast-control', key: 'signing-key' }] };
const READ = [{ name: 'LEDGER_URL', secret: 'holdfast-read', key: 'ledger-url' }, TOKEN];
const WRITE = [{ name: 'LEDGER_URL', secret: 'holdfast-write', key: 'ledger-url' }, { name: 'ARTIFACTS_URL', secret: 'holdfast-write', key: 'ledger-url' }, { name: 'ARTIFACT_KEY_PROD', secret: 'holdfast-artifact-keys', key: 'prod' }];

export const LEAST: ValuesCase = {
  reason: 'the least that works, one pool',
  values: { temporal: TEMPORAL, config: CONFIG, control: CONTROL, pools: [{ name: 'prod', read: { secretEnv: READ }, write: { secretEnv: WRITE } }] },
  secrets: ['holdfast-control', 'holdfast-read', 'holdfast-write', 'holdfast-artifact-keys', 'holdfast-git'],
  processes: [' none', 'prod read', 'prod write'],
};

export const VALUES: readonly ValuesCase[] = [
  LEAST,
  {
    reason: 'Temporal Cloud by API key, accounts of their own, a pool whose writers are elsewhere',
    values: {
      temporal: { address: 'eu-west-1.aws.api.temporal.io:7233', namespace: 'shop.a1b2c', tls: { enabled: true }, apiKey: { secret: 'temporal-cloud' } },
      prepare: { enabled: false },
      config: CONFIG,
      secretEnv: [TOKEN],
      pools: [
        { name: 'prod', read: { replicas: 3 }, write: { serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111111111111:role/write' } } } },
        { name: 'staging', read: { podDisruptionBudget: { enabled: false } }, write: { replicas: 0 } },
      ],
    },
    secrets: ['temporal-cloud', 'holdfast-git'],
    processes: [' none', 'prod read', 'prod write', 'staging read'],
  },
  {
    reason: 'mutual TLS, a config map that is there already, an image by digest, another user for writers, a closed network',
    values: {
      temporal: { ...TEMPORAL, tls: { enabled: true, secret: 'temporal-client', clientCertificate: true, serverName: 'temporal.internal' } },
      image: { repository: 'images.example.com/holdfast', digest: `sha256:${'a'.repeat(64)}` },
      existingConfigMap: 'shop-holdfast',
      networkPolicy: { enabled: true, extraEgress: [{ ports: [{ protocol: 'TCP', port: 443 }] }] },
      pools: [{ name: 'prod', write: { securityContext: { runAsUser: 10002 }, secretFiles: [{ name: 'keys', secret: 'holdfast-keys', path: '/run/secrets/holdfast' }], terminationGracePeriodSeconds: 300 } }],
    },
    secrets: ['temporal-client', 'holdfast-keys'],
    configMaps: ['shop-holdfast'],
    processes: [' none', 'prod read', 'prod write'],
  },
  {
    reason: 'names as long as they may be, which must not meet',
    values: {
      temporal: TEMPORAL,
      fullnameOverride: 'f'.repeat(40),
      config: { ...CONFIG, environments: { staging: { pool: `${LONG}-a` }, prod: { pool: `${LONG}-b` } } },
      pools: [{ name: `${LONG}-a` }, { name: `${LONG}-b` }],
    },
    secrets: [],
    processes: [' none', `${LONG}-a read`, `${LONG}-a write`, `${LONG}-b read`, `${LONG}-b write`],
  },
];

/** What must be refused before anything reaches a cluster, and the word that says why. */
export const REFUSED: readonly (readonly [why: string, values: Readonly<Record<string, unknown>>, says: string])[] = [
  ['no Temporal', { config: CONFIG }, 'temporal.address is needed'],
  ['an address without a port', { temporal: { address: 'temporal' }, config: CONFIG }, 'address'],
  ['no configuration', { temporal: TEMPORAL }, 'existingConfigMap'],
  ['a key that the chart does not know', { temporal: TEMPORAL, config: CONFIG, pool: [] }, 'pool'],
  ['a key of a pool that the chart does not know', { temporal: TEMPORAL, config: CONFIG, pools: [{ name: 'prod', writers: {} }] }, 'writers'],
  ['a secret by value', { temporal: TEMPORAL, config: CONFIG, secretEnv: [{ name: 'TOKEN', value: 'x' }] }, 'secretEnv'],
  ['a name that is no pool', { temporal: TEMPORAL, config: CONFIG, pools: [{ name: 'Prod_1' }] }, 'name'],
  ['too little time to end', { temporal: TEMPORAL, config: CONFIG, terminationGracePeriodSeconds: 5 }, 'terminationGracePeriodSeconds'],
];
