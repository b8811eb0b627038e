// A lock that works before anything is built: two terminals may run npm scripts in one clone at once.
import { createHash } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export async function withLock(name, folder, say, work) {
  const key = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  const file = join(tmpdir(), `holdfast-${name}-${key}.lock`);
  for (let waited = 0; !take(file); waited += 1) {
    const holder = Number(read(file));
    if (Number.isInteger(holder) && holder > 0 && !isRunning(holder)) rmSync(file, { force: true });
    else if (waited % 20 === 0) say(`waiting for process ${holder || 'unknown'}, which does the same (${name})`);
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, String(process.pid));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
