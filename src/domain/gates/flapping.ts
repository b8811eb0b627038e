import { fieldKey, type Change } from '../change.js';
import { durationText, oneLine } from '../plain-text.js';

/** `limits.flapping`: so many repairs of the same field within the time are a fight with another writer. */
export interface FlappingLimit {
  readonly repairs: number;
  readonly withinMs: number;
}

export const FLAPPING: FlappingLimit = { repairs: 3, withinMs: 60 * 60 * 1000 };

/** A switch as the record tells it. */
export interface Repair {
  /** ISO, UTC. */
  readonly at: string;
  /** `etc/app.yaml /port`. */
  readonly fields: readonly string[];
}

export interface Flapping {
  readonly resource: string;
  readonly path: string;
  readonly reason: string;
}

type Field = Pick<Change, 'resource' | 'path' | 'by'>;

/**
 * The fields among `changes` that were repaired that often lately, whatever values they had each time
 * and whichever incidents repaired them: another writer keeps putting them back. `releasedAt`: since
 * a person released them, the count begins anew.
 */
export function flappingFields(limit: FlappingLimit, { changes, repairs, now, releasedAt }: { readonly changes: readonly Field[]; readonly repairs: readonly Repair[]; readonly now: string; readonly releasedAt?: string | undefined }): readonly Flapping[] {
  const from = Date.parse(now) - limit.withinMs;
  const counted = repairs.filter((repair) => Date.parse(repair.at) > from && (releasedAt === undefined || Date.parse(repair.at) > Date.parse(releasedAt)));
  const fields = new Map(changes.map((change) => [fieldKey(change), change]));
  return [...fields].flatMap(([key, { resource, path, by }]) => {
    const times = counted.filter((repair) => repair.fields.includes(key)).length;
    if (times < limit.repairs) return [];
    return [{ resource, path, reason: `${oneLine(key, 300)} was repaired ${times} times within ${durationText(limit.withinMs)} and came back; ${by ?? 'another writer'} keeps putting it there` }];
  });
}
