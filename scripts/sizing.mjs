// `node scripts/sizing.mjs [TARGETS …] [--set NAME=VALUE]…`: what so many targets need, by calculation; see docs/scaling.md.
import { parseArgs } from 'node:util';
import { INPUTS, sizingTables } from './lib/sizing.mjs';

const { values, positionals } = parseArgs({ options: { set: { type: 'string', multiple: true, default: [] } }, allowPositionals: true });
const inputs = { ...INPUTS };
for (const text of values.set) {
  const [, name, value] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name === undefined || !Object.hasOwn(INPUTS, name)) {
    process.stderr.write(`--set is NAME=NUMBER with one of ${Object.keys(INPUTS).join(', ')}, not ${JSON.stringify(text)}\n`);
    process.exit(1);
  }
  inputs[name] = { value: Number(value), from: 'given' };
}
const counts = positionals.length === 0 ? [100, 10_000, 100_000, 1_000_000] : positionals.map(Number);
if (counts.some((count) => !Number.isInteger(count) || count < 1)) {
  process.stderr.write('targets are whole numbers above 0\n');
  process.exit(1);
}
process.stdout.write(`${sizingTables(counts, inputs).join('\n\n')}\n`);
