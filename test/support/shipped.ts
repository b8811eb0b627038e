import { spawn } from 'node:child_process';
import type { Laboratory } from './laboratory.js';
import { HOLDFAST } from './processes.js';

export interface Shipped {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command line as it is shipped, with what is typed into it. Not waited for in one breath: the health checks that it waits for are answered by the test. */
export function shipped({ site, env }: Pick<Laboratory, 'site' | 'env'>, argv: readonly string[], input = ''): Promise<Shipped> {
  return new Promise((settle) => {
    const child = spawn(process.execPath, [HOLDFAST, ...argv, '--config', site.config, '--data-dir', site.dataDir], { env: { ...process.env, ...env, NO_COLOR: '1' } });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; });
    child.stdin.end(input);
    child.on('close', (code) => { settle({ code, out, err }); });
  });
}
