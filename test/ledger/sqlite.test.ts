import { ledgerContract } from './ledger-contract.js';
import { openSqliteHarness } from './sqlite-harness.js';

ledgerContract('SQLite', openSqliteHarness);
