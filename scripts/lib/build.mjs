import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { withLock } from './lock.mjs';
import { root, say, seconds, tool } from './step.mjs';

const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const bundle = join(dist, 'workflow-bundle.js');

/** Compiles and bundles unless `dist` is already what `src` makes. Returns false when it does not compile. */
export async function build() {
  if (await isCurrent()) return true;
  return withLock('build', root, say, async () => ((await isCurrent()) ? true : make()));
}

async function isCurrent() {
  const built = await readFile(stamp, 'utf8').catch(() => '');
  return built === (await digestOfSources()) && existsSync(bundle);
}

async function make() {
  const started = Date.now();
  const digest = await digestOfSources();
  await rm(stamp, { force: true });
  say('building: compiling TypeScript');
  await removeOrphans();
  const compiled = await tool('tsc', ['-p', 'tsconfig.json', '--pretty', 'false'], { quiet: true });
  if (compiled.code !== 0) {
    process.stderr.write(compiled.output);
    return false;
  }
  say('building: bundling the workflows');
  await bundleWorkflows();
  await writeFile(stamp, digest);
  say(`built in ${seconds(started)}`);
  return true;
}

/** Bundled here and not at each worker start, where it would take seconds every time. */
async function bundleWorkflows() {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({ workflowsPath: join(dist, 'workflows', 'index.js'), payloadConverterPath: join(dist, 'workflows', 'payload-converter.js'), failureConverterPath: join(dist, 'workflows', 'failure-converter.js'), logger: new DefaultLogger('WARN') });
  const draft = `${bundle}.${randomUUID()}`;
  await writeFile(draft, code);
  await rename(draft, bundle);
}

/** What was compiled from a file that is gone would still be imported, and packed. */
async function removeOrphans() {
  await mkdir(dist, { recursive: true });
  for (const file of await filesBelow(dist)) {
    const source = join(root, 'src', relative(dist, file).replace(/\.js(\.map)?$/, '.ts'));
    if (/\.js(\.map)?$/.test(file) && file !== bundle && !existsSync(source)) await rm(file);
  }
}

async function digestOfSources() {
  const hash = createHash('sha256');
  const files = [...(await filesBelow(join(root, 'src'))), join(root, 'tsconfig.json'), join(root, 'package.json')].sort();
  for (const file of files) hash.update(`${relative(root, file)}\0`).update(await readFile(file)).update('\0');
  return hash.digest('hex');
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
