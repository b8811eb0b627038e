// Plays another tool that also writes the service's files: some time after a repair it puts its own
// value back. It ends by itself, after so many writes or an hour.
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeField } from './lib/fields.mjs';

const LOOK_MS = 1000;
const LONGEST_MS = 3_600_000;

const { file, path, value, afterSeconds, times } = JSON.parse(process.argv[2] ?? '{}');
const ends = Date.now() + LONGEST_MS;
for (let writes = 0; writes < times && Date.now() < ends; ) {
  if (await differs()) {
    if (writes > 0) await sleep(afterSeconds * 1000);
    if (await write()) writes += 1;
  }
  await sleep(LOOK_MS);
}

async function differs() {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text !== undefined && writeField(file, text, path, value) !== text;
}

/** A release that is just being switched may be gone for a moment: the next look tries again. */
async function write() {
  try {
    await writeFile(file, writeField(file, await readFile(file, 'utf8'), path, value));
    return true;
  } catch {
    return false;
  }
}
