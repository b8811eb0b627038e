import { pathsOf } from './release.js';
import type { State } from './seal.js';
import type { Snapshot, Touched } from './snapshot.js';

/** The paths that a release made from these live files must hold, and no others. */
export function pathsAfter(live: string, snapshot: Snapshot, typeAfter: (touched: Touched) => State['type']): ReadonlySet<string> {
  const paths = pathsOf(live);
  for (const touched of snapshot.touched) {
    if (typeAfter(touched) === 'absent') paths.delete(touched.resource);
    else paths.add(touched.resource);
  }
  for (const folder of snapshot.folders) paths.add(folder);
  return paths;
}
