import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isHoldfastError } from '../domain/errors.js';
import { errorCode } from './error-code.js';
import { checkLiteral, guardedLookup } from './guarded-lookup.js';

export interface ExchangeInput {
  /** `http:` or `https:`; redirects are never followed. */
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** How much of the answer's body is read; 0 reads none. */
  readonly maxBytes: number;
  /** Link-local and similar addresses are refused unless this says so. */
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
}

export type Exchange =
  | { readonly answered: true; readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: string }
  /**
   * `refused`: the address or the request is not allowed; `unresolved`: the name or the way there is
   * not known; `silent`: nobody took it or answered in time. `message` is made here, never taken from
   * the other side, and holds no part of the request but the host.
   */
  | { readonly answered: false; readonly problem: 'refused' | 'unresolved' | 'silent' | 'aborted'; readonly message: string };

const UNRESOLVED: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN']);
const REFUSED: ReadonlySet<string> = new Set(['ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN', 'ERR_HTTP_INVALID_HEADER_VALUE', 'ERR_INVALID_URL']);

/** One request and its answer over a connection of its own. It never throws. */
export async function exchange(input: ExchangeInput): Promise<Exchange> {
  const timeout = AbortSignal.timeout(input.timeoutMs);
  try {
    return await talk(targetOf(input), input, AbortSignal.any([input.signal, timeout]));
  } catch (error) {
    if (input.signal.aborted) return { answered: false, problem: 'aborted', message: 'stopped' };
    if (timeout.aborted) return { answered: false, problem: 'silent', message: `no answer within ${String(input.timeoutMs)} ms` };
    return failed(error);
  }
}

function targetOf(input: ExchangeInput): URL {
  const url = new URL(input.url);
  checkLiteral(url.hostname, input.allowPrivate);
  return url;
}

function talk(url: URL, input: ExchangeInput, signal: AbortSignal): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const options: RequestOptions = {
      method: input.method,
      headers: { 'user-agent': 'holdfast', 'accept-encoding': 'identity', ...input.headers },
      lookup: guardedLookup(input.allowPrivate),
      agent: false,
      signal,
    };
    const sent = request(url, options, (response) => {
      readBody(response, input.maxBytes).then((body) => {
        resolve({ answered: true, status: response.statusCode ?? 0, headers: response.headers, body });
        sent.destroy();
      }, reject);
    });
    sent.on('error', reject);
    sent.end(input.body);
  });
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  if (maxBytes > 0) {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= maxBytes) break;
    }
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
}

function failed(error: unknown): Exchange {
  if (isHoldfastError(error)) return { answered: false, problem: 'refused', message: error.message };
  const code = errorCode(error);
  if (code === 'ERR_INVALID_PROTOCOL') return { answered: false, problem: 'refused', message: 'only http and https addresses are allowed' };
  if (REFUSED.has(code)) return { answered: false, problem: 'refused', message: 'the address or a header is not valid' };
  return { answered: false, ...connectionProblem(error) };
}

/** What a failed connection means, told by its code alone: messages of the system may quote what was sent. */
export function connectionProblem(error: unknown): { readonly problem: 'unresolved' | 'silent'; readonly message: string } {
  const code = errorCode(error);
  if (UNRESOLVED.has(code)) return { problem: 'unresolved', message: `the host cannot be found or reached (${code})` };
  return { problem: 'silent', message: code === 'ECONNREFUSED' ? 'connection refused' : `the connection failed (${code})` };
}
