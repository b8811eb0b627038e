import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { readAt } from './entry.js';
import type { Live } from './setup.js';

const MARKER = '.holdfast-identity';
const MAX_MARKER = 16 * 1024;
const LINE = /^\s*([A-Za-z][\w.-]{0,63})\s*=\s*(.*?)\s*$/;

/**
 * Who answers for a root: the machine and the path, and what a marker says. The marker is a file
 * of `key=value` lines, `.holdfast-identity` in the root, or else `<root>.holdfast-identity` or
 * `.holdfast-identity` beside it; its keys win.
 */
export function identityOf(live: Live): Readonly<Record<string, string>> {
  const host = process.env.HOLDFAST_HOST;
  return { host: host === undefined || host === '' ? hostname() : host, root: live.root, ...readMarker(live) };
}

function readMarker(live: Live): Record<string, string> {
  for (const path of [`${live.real}/${MARKER}`, `${live.root}${MARKER}`, `${dirname(live.root)}/${MARKER}`]) {
    const entry = readAt(path, MAX_MARKER);
    if (entry.type === 'file') return parseMarker(entry.content.toString('utf8'));
  }
  return {};
}

/** True when the root says itself who it is, so that it may be empty without being taken for an unmounted disk. */
export function hasMarker(live: Live): boolean {
  return readAt(`${live.real}/${MARKER}`, MAX_MARKER).type === 'file';
}

function parseMarker(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line) => {
    const [, key, value] = LINE.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value.slice(0, 256)] as const];
  });
  return Object.fromEntries(pairs);
}
