// `npm start`: builds when needed, starts the quickstart's services, then runs `holdfast up` on them.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { root, say } from './lib/step.mjs';

const folder = process.env.HOLDFAST_QUICKSTART ?? join(root, 'examples', 'quickstart');
const config = join(folder, 'holdfast.yaml');
const args = process.argv.slice(2);
const asked = args.some((arg) => arg === '--help' || arg === '-h');
/** With a configuration of one's own there is nothing of the quickstart to run. */
const own = args.some((arg) => arg === '--config' || arg === '-c' || arg.startsWith('--config='));

try {
  process.exitCode = await start();
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function start() {
  if (!(await build())) throw new Error('it does not compile; see above');
  if (asked || own) return (await holdfast(args)).code;
  const { startServices, stopServices } = await import('./lib/quickstart.mjs');
  await refuseSecond();
  say('the three services of the quickstart:');
  await startServices(folder, say);
  say('break something in another terminal with: npm run break -- --list   (where "holdfast" is named, this clone has it as bin/holdfast)\n');
  const { code, killed } = await holdfast(['--config', config, ...args]);
  if (killed) {
    say('Holdfast was killed; the services and the Temporal server run on, and the next npm start goes on with them');
    return code;
  }
  await stopServices(folder);
  say('the services have ended; npm start goes on where this stopped');
  return code;
}

/** The services belong to the one that runs; a second start must not end them when it is refused. */
async function refuseSecond() {
  const { runningUp } = await import('../dist/embedded/data-folder.js');
  const holder = await runningUp(join(folder, '.holdfast'));
  if (holder !== undefined) throw new Error(`Holdfast already runs on the quickstart (process ${holder.pid}); use that one, or end it with: kill ${holder.pid}`);
}

function holdfast(options) {
  const child = spawn(process.execPath, [join(root, 'bin', 'holdfast'), 'up', ...options], { stdio: 'inherit' });
  // A terminal gives Ctrl-C to every process here, and npm passes it on once more. SIGTERM asks for the
  // same, and asking twice does no harm, where a second SIGINT would mean "at once".
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code: code ?? 128 + constants.signals[signal], killed: signal === 'SIGKILL' }));
  });
}
