// One step of a provider in a process of its own that ends by SIGKILL at its n-th external call or
// change to a file: node crash-step.mjs FILE. It runs the sources as they are. Prints how many there were when it survives.
import { existsSync, readFileSync } from 'node:fs';
import fs from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve(specifier, context, next) {
    const source = specifier.startsWith('.') && context.parentURL !== undefined ? new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL) : undefined;
    return source !== undefined && existsSync(fileURLToPath(source)) ? { url: source.href, format: 'module-typescript', shortCircuit: true } : next(specifier, context);
  },
});

const { step, provider: name, plan, revision, staged, store, killAt } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
let calls = 0;

function fault() {
  calls += 1;
  if (calls === killAt) process.kill(process.pid, 'SIGKILL');
}

// Each of these is something that the next attempt may find done or not done.
for (const change of ['renameSync', 'symlinkSync', 'unlinkSync', 'linkSync', 'rmSync', 'rmdirSync']) {
  const real = fs[change];
  fs[change] = (...args) => {
    fault();
    return real(...args);
  };
}
syncBuiltinESMExports();

const { providers } = await import('../../src/providers/index.js');
const { writeContext } = await import('./contexts.js');
const provider = providers[name];
const ctx = writeContext({ folder: store, fault }, step);
if (step === 'stage') await provider.stage(plan, revision, ctx);
if (step === 'finalize') await provider.finalize(plan, staged, ctx);
if (step === 'rollback') await provider.rollback(plan, staged, ctx);
if (step === 'cleanup') await provider.cleanup(plan, staged, ctx, { keepSnapshot: true });
process.stdout.write(String(calls));
