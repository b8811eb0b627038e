import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeError, describeStack } from '../../src/cli/errors.js';
import { findTemporal } from '../../src/cli/compose/temporal.js';

const KEY = 'hf-planted-api-key';
let folder: string;

beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'holdfast-settings-')); });
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

it.each([
  { reason: 'a string that does not end', line: `api_key = "${KEY}` },
  { reason: 'no string at all', line: `api_key = ${KEY}` },
  { reason: 'a quote too many', line: `api_key = "${KEY}""` },
])("the Temporal CLI's file with $reason is said in a line, with where, and without what stands there", async ({ line }) => {
  const file = join(folder, 'temporal.toml');
  writeFileSync(file, `[profile.default]\naddress = "127.0.0.1:1"\n${line}\n`);
  const error: unknown = await findTemporal(folder, { TEMPORAL_CONFIG_FILE: file }).catch((each: unknown) => each);
  const { lines } = describeError(error, { formatConfigError: () => undefined });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^holdfast: the Temporal settings cannot be read: .*\(line 3\)$/);
  expect([...lines, ...describeStack(error)].join('\n')).not.toContain(KEY);
});
