import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { signable } from '../../src/activities/telling.js';
import type { Approvals } from '../../src/config/config.js';
import { rule } from '../policy/rules.js';
import { openBench, openIncident, type Bench } from './bench.js';

const signed: Approvals = { trust: 'signed', expiresMs: 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 1 };
const KEY = ' --key ~/.ssh/id_ed25519';

function commands(on: Bench): readonly string[] {
  return on.told.flatMap((notice) => notice.commands);
}

it.each([
  { approvals: signed, key: KEY },
  { approvals: { ...signed, trust: 'namespace' as const }, key: '' },
])('whoever is asked to adopt is told the command as it must be typed: trust $approvals.trust', async ({ approvals, key }) => {
  const on = await openBench({ environment: { approvals }, policies: [{ name: 'base', rules: [rule({ name: 'a', decision: 'adopt' })], tests: [] }] });
  const { plan = '' } = await openIncident(on);
  expect(commands(on)).toEqual(['holdfast incident prod/storefront#1', `holdfast adopt prod/storefront#1 --plan ${plan.slice(0, 12)} --reason WHY${key}`]);
});

it.each([
  { scope: 'prod', says: `holdfast unfreeze prod --reason WHY${KEY}` },
  { scope: 'prod/storefront', says: `holdfast unfreeze prod/storefront --reason WHY${KEY}` },
  { scope: '*', says: `holdfast unfreeze --all --reason WHY${KEY}` },
])('what lifts a freeze of $scope is named so that it does', async ({ scope, says }) => {
  const on = await openBench({ environment: { approvals: signed } });
  await on.run('command', { environment: 'prod', message: { command: 'freeze', scope, by: 'alice', reason: 'launch' }, run: 'r' }, { workflowId: 'environment/prod', workflowType: 'environment' });
  expect(commands(on)).toEqual([says]);
});

it('what looks or only stops needs no key, and none is named twice', async () => {
  const on = await openBench({ environment: { approvals: signed } });
  const plain = ['holdfast incident prod/storefront#1', 'holdfast rollback prod/storefront#1 --reason WHY', `holdfast approve prod/storefront#1 --plan 3f9ac2d1${KEY}`];
  expect(signable(on.config, 'prod', plain)).toEqual(plain);
});

it('a reason to fill in is written in one way wherever a command is told', () => {
  const src = join(import.meta.dirname, '..', '..', 'src');
  const odd = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && /--reason "…"|--reason \\"…/.test(readFileSync(join(src, file), 'utf8')));
  expect(odd).toEqual([]);
});
