import { principalOf, type People } from './people.js';

/** Whose key it is, when it may have signed at that time. */
export type KeyStanding =
  | { readonly standing: 'good'; readonly by: string }
  | { readonly standing: 'unknown' }
  | { readonly standing: 'anothers'; readonly by: string }
  | { readonly standing: 'early' | 'late'; readonly by: string; readonly at: string };

/** How a key stands for whoever it is said to speak for. `at`: ISO, UTC. */
export function keyStanding(people: People, { fingerprint, by, at }: { readonly fingerprint: string; readonly by: string; readonly at: string }): KeyStanding {
  const owner = people.principals.find((each) => each.keys.some((key) => key.fingerprint === fingerprint));
  const key = owner?.keys.find((each) => each.fingerprint === fingerprint);
  if (owner === undefined || key === undefined) return { standing: 'unknown' };
  if (owner.name !== principalOf(people, by)) return { standing: 'anothers', by: owner.name };
  const instant = Date.parse(at);
  if (key.from !== undefined && instant < Date.parse(key.from)) return { standing: 'early', by, at: key.from };
  if (key.until !== undefined && instant >= Date.parse(key.until)) return { standing: 'late', by, at: key.until };
  return { standing: 'good', by };
}
