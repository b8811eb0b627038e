import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { providers } from '../../src/providers/index.js';

const HERE = import.meta.dirname;
const folders = readdirSync(join(HERE, '../../src/providers'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);

describe.each(folders)('the provider %s', (name) => {
  it('is registered under its own name', () => {
    expect(providers[name]?.name).toBe(name);
  });

  it('has a page and a contract test', () => {
    expect(existsSync(join(HERE, '../../docs/providers', `${name}.md`))).toBe(true);
    expect(readdirSync(join(HERE, name)).some((file) => file.startsWith('contract'))).toBe(true);
  });

  it('has a spec that can be published, and that reads what it wrote', () => {
    const provider = providers[name];
    expect(provider && Object.keys(z.toJSONSchema(provider.spec, { io: 'input' }).properties ?? {}).length).toBeGreaterThan(0);
  });
});

it('no other is registered than those that have a folder', () => {
  expect(Object.keys(providers).sort()).toEqual([...folders].sort());
});
