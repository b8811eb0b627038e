import { afterEach, beforeEach, describe } from 'vitest';
import { decisionContract } from './contract/decisions.js';
import { gateContract } from './contract/gates.js';
import type { LedgerHarness, OpenHarness } from './contract/harness.js';
import { incidentContract } from './contract/incidents.js';
import { messageContract } from './contract/messages.js';
import { observationContract } from './contract/observations.js';
import { recordContract } from './contract/record.js';
import { retentionContract } from './contract/retention.js';
import { writingContract } from './contract/writing.js';

/** What every ledger does, whatever it is stored in. */
export function ledgerContract(name: string, open: OpenHarness): void {
  describe(`ledger contract: ${name}`, () => {
    let current: LedgerHarness | undefined;
    const harness = (): LedgerHarness => {
      if (current === undefined) throw new Error('the ledger is opened before each test');
      return current;
    };
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => current?.dispose());

    recordContract(harness);
    observationContract(harness);
    incidentContract(harness);
    gateContract(harness);
    decisionContract(harness);
    writingContract(harness);
    messageContract(harness);
    retentionContract(harness);
  });
}
