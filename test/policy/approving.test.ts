import { describe, expect, it } from 'vitest';
import { decideByRemediation } from '../../src/domain/deciding/decide.js';
import type { Decided, DecisionInput } from '../../src/domain/deciding/decision.js';
import { requirementsOf } from '../../src/policy/approving.js';
import { change, decisionInput, target } from '../domain/build.js';

const PLAN = { blastRadius: { create: 0, update: 1, replace: 0, delete: 0 }, resources: 1, staging: 'shadow', rollback: 'exact', fencing: 'conditional' } as const;
const SRE = [{ group: 'sre', count: 1 }];
const LEADS = [{ group: 'leads', count: 1 }];

function asked(rules: Parameters<typeof requirementsOf>[0]['rules'], inputs: readonly DecisionInput[] = [decisionInput()], requires?: Decided['requires']): readonly string[] {
  const decide = (input: DecisionInput): Decided => ({ ...decideByRemediation(input), ...(requires === undefined ? {} : { requires }) });
  return requirementsOf({ ...(rules === undefined ? {} : { rules }), inputs, plan: PLAN, decide, trust: 'signed' }).map((each) => each.because);
}

describe('whose approval a part needs', () => {
  it.each([
    { reason: 'no rules', rules: undefined, because: [] },
    { reason: 'a rule without a condition always holds', rules: [{ any: SRE }], because: ['approvals.rules[0] of prod'] },
    { reason: 'one whose condition holds', rules: [{ when: "risk != 'critical'", any: SRE }], because: ["approvals.rules[0] of prod, when risk != 'critical'"] },
    { reason: 'one whose condition does not', rules: [{ when: "risk == 'critical'", any: SRE }], because: [] },
    { reason: 'every rule that holds', rules: [{ any: SRE }, { when: "risk == 'critical'", any: LEADS }, { when: "environment.name == 'prod'", any: LEADS }], because: ['approvals.rules[0] of prod', "approvals.rules[2] of prod, when environment.name == 'prod'"] },
    { reason: 'by what the plan does', rules: [{ when: 'plan.deletes > 0', any: LEADS }, { when: 'plan.updates == 1', any: SRE }], because: ['approvals.rules[1] of prod, when plan.updates == 1'] },
    { reason: 'by what the target is for', rules: [{ when: "intent.tier == 'critical'", any: LEADS }], because: [] },
    { reason: 'one that cannot be answered holds, since a mistake asks for more', rules: [{ when: 'risk ==', any: LEADS }], because: ['approvals.rules[0] of prod, when risk =='] },
  ])('$reason', ({ rules, because }) => {
    expect(asked(rules)).toEqual(because);
  });

  it('by the gravest class and the highest risk among its changes', () => {
    const grave = decisionInput({ change: change({ path: '@mode', desired: '0600', actual: '0666' }), target: target({ intent: { tier: 'critical' } }) });
    expect(asked([{ when: "class == 'privilege'", any: LEADS }], [decisionInput(), grave])).toHaveLength(1);
    expect(asked([{ when: "class == 'privilege'", any: LEADS }])).toHaveLength(0);
  });

  it('what rules as code ask for comes on top, said once', () => {
    const requires = [{ any: LEADS, because: 'rule exposure (policies/base.yaml:12)' }];
    expect(asked([{ any: SRE }], [decisionInput(), decisionInput()], requires)).toEqual(['approvals.rules[0] of prod', 'rule exposure (policies/base.yaml:12)']);
  });
});
