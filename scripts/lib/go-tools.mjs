// Validators that exist only as Go programs. Built once per version into the user's cache; whoever has
// neither Go nor its module proxy is told so and goes without.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from './lock.mjs';

/** A helm that is not told for which Kubernetes takes one of many years ago. */
const KUBERNETES = ['-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1', '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34'];

export const GO_TOOLS = {
  helm: { package: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0', makes: 'helm', link: KUBERNETES, takes: 'about 2 minutes on 2 cores' },
  'compose-spec': { package: 'github.com/compose-spec/compose-go/v2/cmd', version: 'v2.16.2', makes: 'cmd', link: [], takes: 'about 20 seconds' },
};

/** The path of the tool, or why it cannot be had. `cache` is a folder that is kept between runs. */
export async function goTool(name, { cache, say }) {
  const tool = GO_TOOLS[name];
  const folder = join(cache, 'bin');
  const path = join(folder, `${name}-${tool.version}`);
  if (existsSync(path)) return { path };
  await mkdir(folder, { recursive: true });
  return withLock(`go-${name}`, folder, say, async () => (existsSync(path) ? { path } : build(name, { tool, folder, path, say })));
}

async function build(name, { tool, folder, path, say }) {
  const draft = await mkdtemp(join(folder, 'draft-'));
  const started = Date.now();
  say(`building ${name} ${tool.version} with Go: ${tool.takes}, once, into ${folder}`);
  const ticker = setInterval(() => say(`  still building ${name}: ${Math.round((Date.now() - started) / 1000)} s`), 10_000);
  try {
    const { code, last } = await install(tool, draft);
    if (code !== 0) return { missing: `${name} ${tool.version} cannot be built: ${last}` };
    await rename(join(draft, tool.makes), path);
    say(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
    return { path };
  } finally {
    clearInterval(ticker);
    await rm(draft, { recursive: true, force: true });
  }
}

function install(tool, folder) {
  const child = spawn('go', ['install', '-trimpath', `-ldflags=${['-s -w', ...tool.link].join(' ')}`, `${tool.package}@${tool.version}`], { env: { ...process.env, GOBIN: folder }, stdio: ['ignore', 'ignore', 'pipe'], timeout: 900_000 });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2_000);
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, last: error.code === 'ENOENT' ? 'Go is not installed' : error.message }));
    child.once('close', (code) => resolve({ code, last: said.trim().split('\n').at(-1) || 'go install said nothing' }));
  });
}
