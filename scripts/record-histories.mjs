// Records the histories of this version's workflows: node scripts/record-histories.mjs [VERSION]
import { readFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import { root, say, seconds } from './lib/step.mjs';

// The recording is a part of the tests, in TypeScript; Node strips the types, and here finds the files.
registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && context.parentURL?.endsWith('.ts') === true;
    return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

const { version: current } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'));
const version = process.argv[2] ?? current;
if (!/^\d+\.\d+\.\d+$/.test(version)) {
  say(`"${version}" is not a version such as ${current}`);
  process.exit(1);
}
const started = Date.now();
const { recordHistories } = await import('../test/histories/record.ts');
const count = await recordHistories({ version, log: say });
say(`recorded ${count} histories of ${version} in ${seconds(started)}; commit test/histories/${version}`);
process.exit(0);
