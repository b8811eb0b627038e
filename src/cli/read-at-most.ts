import { createReadStream } from 'node:fs';

/** The beginning of a file or pipe as text, of something that must be short: what never ends is not waited for. */
export async function readAtMost(path: string, bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { end: bytes - 1 })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
