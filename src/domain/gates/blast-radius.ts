import type { Change } from '../change.js';

/** How much one repair may touch before it asks a person: more than `max` resources and more than `percent` of all. */
export interface ReachLimit {
  readonly max: number;
  readonly percent: number;
}

/** Of fewer resources a share says nothing, and `max` alone counts. */
const SHARE_FROM = 20;

/**
 * Why a repair of these changes is the `blast-radius` gate's, with its counts; `undefined` while it
 * is within the limit. `of`: how many resources the target has.
 */
export function beyondReach(changes: readonly Pick<Change, 'resource'>[], of: number, limit: ReachLimit | undefined): string | undefined {
  if (limit === undefined) return undefined;
  const touched = new Set(changes.map((change) => change.resource)).size;
  if (touched <= limit.max) return undefined;
  const all = Math.max(of, touched);
  const percent = Math.floor((touched / all) * 100);
  if (all >= SHARE_FROM && (touched / all) * 100 <= limit.percent) return undefined;
  const share = all < SHARE_FROM ? '' : ` and ${limit.percent} percent`;
  return `gate blast-radius: ${touched} of ${all} resources (${percent} percent) would be touched, and limits.resources lets ${limit.max}${share} go without an approval of this plan`;
}
