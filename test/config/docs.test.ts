import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { environmentSchema } from '../../src/config/schema-environment.js';
import { retentionSchema, sections } from '../../src/config/schema.js';
import { declarationOf, healthSchema, targetFields } from '../../src/config/schema-target.js';
import { files } from '../../src/providers/files/index.js';
import { folderWith } from './support.js';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

test('the example of the page loads, and every target is there', async () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const folder = folderWith({ 'holdfast.yaml': example, 'teams/a/holdfast.yaml': 'version: 1\n', 'edge/prod/lon/x': '', 'edge/staging/lon/x': '' });
  const config = await loadConfig({ file: join(folder, 'holdfast.yaml'), providers: { files } });
  expect(config.targets.map((target) => `${target.environment}/${target.target}`)).toEqual(['dev/storefront', 'prod/edge-lon', 'prod/storefront', 'staging/edge-lon', 'staging/storefront']);
});

test('the page names every key', () => {
  const keys = [
    ...Object.keys(sections), ...Object.keys(environmentSchema.shape), ...Object.keys(declarationOf(targetFields)), ...Object.keys(retentionSchema.shape),
    ...healthSchema.options.flatMap((option) => Object.keys(option.shape)),
  ];
  const missing = [...new Set(keys)].filter((key) => !new RegExp(`[\`.{ ,]${key}[\`.{},[ ]`).test(page));
  expect(missing).toEqual([]);
});
