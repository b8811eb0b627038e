import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const ROOT = join(import.meta.dirname, '..', '..');

/** Another release of Holdfast: what was built from this source, with its story changed. */
export interface Release {
  /** Its `bin/holdfast`. */
  readonly program: string;
  readonly bundle: { readonly code: string };
  remove(): Promise<void>;
}

const STEP = 'const event = await STORY[from]';

/** Each part pauses once more in every phase: with a patch, as a release must, or without, as one must not. */
export async function nextRelease({ isPatched }: { readonly isPatched: boolean }): Promise<Release> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-release-'));
  for (const name of ['bin', 'dist', 'package.json']) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const part = join(folder, 'dist', 'workflows', 'part.js');
  const story = await readFile(part, 'utf8');
  if (!story.includes(STEP)) throw new Error('the story of a part has changed its shape: this release cannot be made');
  const pause = `${isPatched ? "if (patched('a-pause-before-each-phase')) " : ''}await sleep(20);\n        ${STEP}`;
  await writeFile(part, `import { patched, sleep } from '@temporalio/workflow';\n${story.replace(STEP, pause)}`);
  const at = (name: string): string => join(folder, 'dist', 'workflows', name);
  const bundle = await bundleWorkflowCode({ workflowsPath: at('index.js'), payloadConverterPath: at('payload-converter.js'), failureConverterPath: at('failure-converter.js'), logger: new DefaultLogger('ERROR') });
  await writeFile(join(folder, 'dist', 'workflow-bundle.js'), bundle.code);
  return { program: join(folder, 'bin', 'holdfast'), bundle, remove: () => rm(folder, { recursive: true, force: true }) };
}
