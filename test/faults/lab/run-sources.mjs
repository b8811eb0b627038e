// Lets Node run the TypeScript of this repository as it is: imported before anything of it.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve(specifier, context, next) {
    const isOurs = specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.includes('/node_modules/') === false;
    const source = isOurs ? new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL) : undefined;
    return source !== undefined && existsSync(fileURLToPath(source)) ? { url: source.href, format: 'module-typescript', shortCircuit: true } : next(specifier, context);
  },
});
