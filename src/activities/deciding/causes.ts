import { partCauses } from '../../domain/deciding/cause.js';
import type { Change } from '../../domain/change.js';
import type { DecisionInput } from '../../domain/deciding/decision.js';
import type { JsonObject } from '../../domain/json.js';
import type { Target } from '../../domain/target.js';
import type { Environment } from '../../config/config.js';
import { hashJson } from '../../digest.js';

export interface Among {
  readonly target: Target;
  readonly environment: Pick<Environment, 'vars'>;
  /** What is known of the changes. */
  readonly inputs: readonly DecisionInput[];
}

/** What the changes of a part have in common with others elsewhere, as the part's row keeps it. */
export function causesOf(changes: readonly Change[], { target, environment: { vars }, inputs }: Among): JsonObject {
  const seen = new Map(inputs.map((each) => [each.change.fingerprint, each.history.firstSeen ?? each.at]));
  const place = { environment: target.environment, target: target.target, provider: target.provider, ...(vars === undefined ? {} : { vars }) };
  const { causes, more } = partCauses(changes, { place, hash: hashJson, firstSeen: changes.map((change) => seen.get(change.fingerprint) ?? '') });
  return { causes: causes.map((each): JsonObject => ({ ...each })), ...(more === 0 ? {} : { moreCauses: more }) };
}
