import type { Config } from '../config/config.js';
import type { ClosedGate } from '../ledger/closed-gate.js';

/** The windows that are closed now, as the record has other gates: they are in the configuration alone. */
export async function closedWindows({ environments }: Config, environment: string | undefined, now: Date): Promise<readonly ClosedGate[]> {
  const { windowRules } = await import('../config/windows.js');
  const { windowGate } = await import('../domain/gates/window.js');
  const at = now.toISOString();
  return environments.filter(({ name, windows }) => windows.length > 0 && (environment === undefined || name === environment)).flatMap(({ name, windows }): ClosedGate[] => {
    const rules = windowRules(windows);
    const answers = (['finalize', 'stage'] as const).map((action) => windowGate(rules, { at, action, scope: name }));
    const answer = answers.find((each) => !each.allowed);
    return answer === undefined ? [] : [{ scope: name, gate: 'window', by: 'configuration', at, reason: answer.reason, ...(answer.opensAt === undefined ? {} : { until: answer.opensAt }) }];
  });
}
