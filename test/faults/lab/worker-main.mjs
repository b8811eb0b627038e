// A worker process of the laboratory, which may be killed: node worker-main.mjs GROUP.json. It runs the sources as they are.
import { readFileSync } from 'node:fs';
import './run-sources.mjs';

const { runWorkers } = await import('./worker.ts');
await runWorkers(JSON.parse(readFileSync(process.argv[2], 'utf8')), (line) => process.stderr.write(`${line}\n`));
