// A process of its own that writes to a ledger: node writer.mjs FILE-OR-URL KEY NAME COUNT. It runs the sources as they are.
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve(specifier, context, next) {
    const source = specifier.startsWith('.') && context.parentURL !== undefined ? new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL) : undefined;
    return source !== undefined && existsSync(fileURLToPath(source)) ? { url: source.href, format: 'module-typescript', shortCircuit: true } : next(specifier, context);
  },
});

const [file, signingKeyFile, name, count] = process.argv.slice(2);
const ledger = file.startsWith('postgres:') ? await openPostgres() : await openSqlite();
const address = { environment: 'prod', target: 'storefront' };
const at = (minute) => new Date(Date.UTC(2026, 10, 2, 9, minute)).toISOString();

for (let index = 0; index < Number(count); index += 1) {
  await ledger.append({ at: at(index), kind: 'gate', by: name, data: { index } });
  const fence = await ledger.takeFence({ address, step: 'finalize', attempt: index + 1, run: name, at: at(index) });
  const { row, opened } = await ledger.openIncident({ address, at: at(index), drift: `${name} ${index}`, kind: 'drift' });
  console.log(JSON.stringify({ fence, number: row.number, opened }));
  if (opened && index % 3 === 0) await ledger.closeIncident(row, { at: at(index), outcome: 'fixed', parts: [], narrative: '', settled: [] });
  if (index % 10 === 0) await ledger.checkpoint(at(index));
}
await ledger.close();

async function openSqlite() {
  const { openSqliteLedger } = await import('../../src/ledger/sqlite/open.ts');
  return openSqliteLedger({ file, signingKeyFile });
}

async function openPostgres() {
  const { openPostgresLedger } = await import('../../src/ledger/postgres/open.ts');
  return openPostgresLedger({ url: async () => file, signingKey: async () => readFileSync(signingKeyFile, 'utf8'), connections: 2 });
}
