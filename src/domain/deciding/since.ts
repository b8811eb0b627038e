import { fieldKey, type Change } from '../change.js';
import { changesInBrief } from '../describe.js';
import type { Json } from '../json.js';
import { oneLine } from '../plain-text.js';

type Compared = Pick<Change, 'resource' | 'path' | 'kind' | 'desired' | 'actual' | 'sensitive' | 'fingerprint' | 'revision'>;

/** How many values are told before the rest is named in brief. */
const TOLD = 5;
const VALUE = 60;

/**
 * What is different between the changes that were asked about and those that are asked about now, in a
 * line: `new: etc/motd; gone: etc/a; etc/app.yaml /port was 2, is 3`. `everything` is all that drifts, so that
 * what only went into another question is not told as gone. Empty when nothing is.
 */
export function whatChanged(before: readonly Compared[], now: readonly Compared[], everything: readonly Compared[] = now): string {
  const places = new Map(before.map((change) => [fieldKey(change), change]));
  const present = new Set(everything.map(fieldKey));
  const added = now.filter((change) => !places.has(fieldKey(change)));
  const gone = before.filter((change) => !present.has(fieldKey(change)));
  const moved = now.flatMap((change) => {
    const earlier = places.get(fieldKey(change));
    return earlier === undefined ? [] : movedText(earlier, change);
  });
  return [
    ...(added.length === 0 ? [] : [`new: ${changesInBrief(added)}`]),
    ...(gone.length === 0 ? [] : [`gone: ${changesInBrief(gone)}`]),
    ...moved.slice(0, TOLD),
    ...(moved.length > TOLD ? [`and ${moved.length - TOLD} more with other values`] : []),
  ].join('; ');
}

function movedText(before: Compared, now: Compared): readonly string[] {
  const place = changesInBrief([now]);
  if (now.sensitive || before.sensitive) return before.fingerprint === now.fingerprint && before.revision === now.revision ? [] : [`${place} is not as it was (sensitive)`];
  const said = [
    ...(before.kind === now.kind ? [] : [`${place} was ${before.kind}, is ${now.kind}`]),
    ...(same(before.actual, now.actual) ? [] : [`${place} was ${value(before.actual)}, is ${value(now.actual)}`]),
    ...(same(before.desired, now.desired) ? [] : [`${place} should have been ${value(before.desired)}, should be ${value(now.desired)}`]),
  ];
  if (said.length > 0) return said;
  return before.revision === now.revision ? [] : [`${place}: something else is desired of it`];
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function value(json: Json | undefined): string {
  return json === undefined ? 'absent' : oneLine(JSON.stringify(json), VALUE);
}
