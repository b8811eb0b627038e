import type { Provider } from '../provider.js';
import { adopt } from './adopt.js';
import { busy } from './busy.js';
import { capture } from './capture.js';
import { cleanup } from './cleanup.js';
import { finalize } from './finalize.js';
import { inject } from './inject.js';
import { observe } from './observe.js';
import { plan } from './plan.js';
import { rollback } from './rollback.js';
import { filesSpec, resolveFilesSpec, type FilesSpec } from './spec.js';
import { stage } from './stage.js';

/** Files of a service, in a folder or behind a link to a release: see docs/providers/files.md. */
export const files: Provider<FilesSpec> = {
  name: 'files',
  spec: filesSpec,
  resolveSpec: resolveFilesSpec,
  fencing: 'conditional',
  observe,
  plan,
  stage,
  finalize,
  rollback,
  cleanup,
  adopt,
  busy,
  capture,
  inject,
};
