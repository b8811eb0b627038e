import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder } from '../../src/embedded/cache.js';

interface GoToolScripts {
  readonly goTool: (name: string, options: { readonly cache: string; readonly say: (line: string) => void }) => Promise<{ readonly path: string } | { readonly missing: string }>;
}

export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A validator written in Go, or why this machine has none: tests that need it are then skipped, and say so. */
export async function goTool(name: 'helm' | 'compose-spec'): Promise<{ readonly path: string } | { readonly missing: string }> {
  const scripts = (await import(pathToFileURL(join(import.meta.dirname, '..', '..', 'scripts', 'lib', 'go-tools.mjs')).href)) as GoToolScripts;
  const found = await scripts.goTool(name, { cache: cacheFolder(), say: (line) => void process.stderr.write(`${line}\n`) });
  if ('missing' in found) process.stderr.write(`SKIPPED, because ${found.missing}\n`);
  return found;
}

/** Runs a tool to its end; a failure is a result, not an error. */
export function runTool(path: string, args: readonly string[], options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv }): Promise<ToolResult> {
  return new Promise((resolve) => {
    execFile(path, [...args], { maxBuffer: 64 * 1024 * 1024, timeout: 120_000, ...options }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
  });
}
