import { formatAddress, type TargetAddress } from '../../domain/address.js';
import { isHoldfastError } from '../../domain/errors.js';
import { pauseMs } from '../../domain/pause.js';
import type { Provider } from '../../providers/provider.js';
import type { Dependencies } from '../deps.js';

interface Pause {
  readonly until: number;
  /** How often in a row the engine has asked to be left alone. */
  readonly times: number;
}

/** By worker process: each backs off for itself, and one that is started anew asks once. */
const PAUSES = new WeakMap<Dependencies['sources'], Map<string, Pause>>();

/** Until when this target's engine has asked not to be asked again (ISO, UTC); `undefined` when it may be. */
export function pausedUntil(deps: Dependencies, target: TargetAddress): string | undefined {
  const pause = pausesOf(deps).get(formatAddress(target));
  return pause === undefined || pause.until <= deps.now().getTime() ? undefined : new Date(pause.until).toISOString();
}

/** The provider as it is, whose looks are remembered when they are refused for coming too often. */
export function heeding(deps: Dependencies, target: TargetAddress, provider: Provider): Provider {
  const pauses = pausesOf(deps);
  const name = formatAddress(target);
  return {
    ...provider,
    async observe(...input) {
      try {
        const sight = await provider.observe(...input);
        pauses.delete(name);
        return sight;
      } catch (error) {
        if (isHoldfastError(error, 'Throttled')) {
          const times = (pauses.get(name)?.times ?? 0) + 1;
          pauses.set(name, { times, until: deps.now().getTime() + pauseMs({ times, random: Math.random(), ...(error.retryAfterMs === undefined ? {} : { askedMs: error.retryAfterMs }) }) });
        }
        throw error;
      }
    },
  };
}

function pausesOf(deps: Dependencies): Map<string, Pause> {
  const known = PAUSES.get(deps.sources) ?? new Map<string, Pause>();
  PAUSES.set(deps.sources, known);
  return known;
}
