import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { refused, type HoldfastError } from '../domain/errors.js';
import { forbiddenAddress } from '../domain/ip-address.js';

/**
 * A lookup for sockets that refuses forbidden addresses at the moment of connecting, so that a
 * name which resolves differently from one time to the next does not pass. Sockets skip the lookup
 * for literal addresses: call `checkLiteral` for those first.
 */
export function guardedLookup(allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const denial = allowPrivate ? undefined : deny(hostname, addresses.map(({ address }) => address));
      if (denial === undefined) answer(addresses, options, callback);
      else callback(denial, '', 0);
    });
  };
}

/** Throws a `Refused` error when the host is itself a forbidden address. */
export function checkLiteral(host: string, allowPrivate: boolean): void {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const denial = allowPrivate || isIP(bare) === 0 ? undefined : deny(host, [bare]);
  if (denial !== undefined) throw denial;
}

/** One forbidden address among several is enough: the socket chooses which to try. */
function deny(host: string, addresses: readonly string[]): HoldfastError | undefined {
  for (const address of addresses) {
    const kind = forbiddenAddress(address);
    if (kind !== undefined) return refused(`${host} is refused: ${address} is a ${kind} address`, 'set allowPrivate: true if it is meant');
  }
  return undefined;
}

function answer(addresses: readonly LookupAddress[], options: LookupOptions, callback: Parameters<LookupFunction>[2]): void {
  if (options.all === true) {
    callback(null, [...addresses]);
    return;
  }
  const [first] = addresses;
  callback(null, first?.address ?? '', first?.family ?? 0);
}
