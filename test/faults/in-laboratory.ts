import { afterAll, beforeAll, expect } from 'vitest';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import type { SiteOptions } from '../support/site.js';
import { readTree } from '../support/trees.js';

/** One server for a file of tests; each gets a laboratory of its own, taken down after it, with the ten statements checked at its end. */
export function laboratories(): (options: SiteOptions, work: (lab: Laboratory) => Promise<void>) => Promise<void> {
  let server: DevServer;
  beforeAll(async () => {
    server = await devServer();
  }, 60_000);
  afterAll(() => server.stop());
  return async (options, work) => {
    const lab = await openLaboratory(await newNamespace(server.address), options);
    try {
      await work(lab);
      expect(await checkStatements(lab)).toEqual([]);
    } finally {
      await lab.close();
    }
  };
}

export async function isAsDrifted(lab: Laboratory, address: string): Promise<boolean> {
  return JSON.stringify(await readTree(lab.site.live(address))) === JSON.stringify(lab.site.before(address));
}
