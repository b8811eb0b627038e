import type { DecideInput } from '../../src/client.js';
import { decisionStatement } from '../../src/trust/statement.js';
import { askedOf } from './asked.js';
import { addressOf, type Laboratory } from './laboratory.js';
import type { SiteOptions } from './site.js';
import { signer } from './ssh-signer.js';

const SRE = ['alice', 'bob', 'carol'] as const;
export type Voter = (typeof SRE)[number];

/** Three people with keys of their own, two of whom must approve. */
export interface Voting {
  /** For a site: who they are. */
  readonly people: Pick<SiteOptions, 'principals' | 'groups'>;
  /** For an environment: `approvals` that need two of them. */
  readonly approvals: object;
  /** The words of one of them about what is asked now, signed. */
  words(lab: Laboratory, address: string, by: Voter): Promise<DecideInput & { readonly plan: string }>;
}

export function voting(): Voting {
  const keys = { alice: signer(), bob: signer(), carol: signer() };
  return {
    people: { principals: Object.fromEntries(SRE.map((name) => [name, { keys: [keys[name].line] }])), groups: { sre: SRE } },
    approvals: { trust: 'signed', rules: [{ any: [{ group: 'sre', count: 2 }] }] },
    async words(lab, address, by) {
      const { number, plan, ask } = await askedOf(lab, address);
      const message = { decision: 'approve' as const, by, reason: `reviewed by ${by}` };
      return { ...message, plan, signature: keys[by].sign(decisionStatement({ project: 'site', incident: { ...addressOf(address), number }, question: { plan, ask } }, message)) };
    },
  };
}
