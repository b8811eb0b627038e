import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Change, Observation } from '../../src/domain/change.js';
import type { Revision } from '../../src/domain/target.js';
import { look } from '../../src/providers/look.js';
import type { AdoptedFile, Adoption } from '../../src/providers/provider.js';
import { readContext } from './contexts.js';
import { CANARY, type Harness, type Subject } from './subject.js';

/** What the contract asks of a provider that can adopt. */
export function describeAdopting({ name, provider }: Harness, fresh: () => Promise<Subject>): void {
  if (provider.adopt === undefined) return;

  const see = (subject: Subject, revision: Revision = subject.revision): Promise<Observation> => look(provider, subject.target, revision, readContext(subject.store));
  const adopted = async (subject: Subject, changes: readonly Change[]): Promise<Adoption> => {
    const result = await provider.adopt?.(subject.target, subject.revision, changes, readContext(subject.store));
    return result ?? { possible: false, reason: '' };
  };

  describe(`${name}: adopting`, () => {
    it('looking at the desired state so changed finds exactly these changes gone, one by one', async () => {
      const subject = await fresh();
      subject.drift();
      const { changes } = await see(subject);
      let taken = 0;
      for (const change of changes) {
        const result = await adopted(subject, [change]);
        if (!result.possible) {
          expect(result.reason).not.toBe('');
          continue;
        }
        taken += 1;
        const after = await see(subject, withFiles(subject, result.files));
        expect(after.changes.map((each) => each.fingerprint), `${change.resource} ${change.path}`).toEqual(changes.filter((each) => each !== change).map((each) => each.fingerprint));
      }
      expect(taken).toBeGreaterThan(2);
    });

    it('all that can be adopted together leaves the rest, and nothing more once it is looked at again', async () => {
      const subject = await fresh();
      subject.drift();
      subject.driftElsewhere();
      const { changes } = await see(subject);
      const [possible, left]: [Change[], Change[]] = [[], []];
      for (const change of changes) ((await adopted(subject, [change])).possible ? possible : left).push(change);
      const result = await adopted(subject, possible);
      if (!result.possible) throw new Error(result.reason);
      const after = await see(subject, withFiles(subject, result.files));
      expect(after.changes.map((each) => each.fingerprint)).toEqual(left.map((each) => each.fingerprint));
    });

    it('changes nothing by itself, and says the same twice', async () => {
      const subject = await fresh();
      subject.drift();
      const before = await see(subject);
      const open = before.changes.filter((change) => !change.sensitive);
      expect(await adopted(subject, open)).toEqual(await adopted(subject, open));
      expect(await see(subject)).toEqual(before);
    });

    it('a sensitive change is refused, and no secret stands in what is returned', async () => {
      const subject = await fresh();
      subject.drift();
      const { changes } = await see(subject);
      for (const change of changes.filter((each) => each.sensitive)) expect(await adopted(subject, [change])).toMatchObject({ possible: false, reason: said(/sensitive/) });
      for (const change of changes) {
        const result = await adopted(subject, [change]);
        const said = result.possible ? result.files.map((file) => `${file.path} ${Buffer.from(file.content ?? []).toString('utf8')}`).join('\n') : result.reason;
        expect(said).not.toContain(CANARY);
      }
    });

    it('what moved since is not adopted', async () => {
      const subject = await fresh();
      subject.drift();
      const { changes } = await see(subject);
      const gone = changes.filter((change) => change.kind === 'unmanaged').map((change): Change => ({ ...change, resource: `${change.resource}-gone` }));
      expect(gone.length).toBeGreaterThan(0);
      await expect(adopted(subject, gone)).rejects.toMatchObject({ failure: 'Moved' });
    });
  });
}

/** A pattern by itself would match anything here. */
function said(pattern: RegExp): string {
  return expect.stringMatching(pattern) as string;
}

/** The desired state as it becomes, in a folder of its own. */
export function withFiles(subject: Subject, files: readonly AdoptedFile[]): Revision {
  const folder = join(subject.store.folder, `adopted-${Math.random().toString(36).slice(2)}`);
  cpSync(subject.revision.folder, folder, { recursive: true, preserveTimestamps: true });
  for (const { path, content, mode } of files) {
    const at = join(folder, path);
    if (content === undefined) {
      rmSync(at);
      continue;
    }
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content);
    if (mode !== undefined) chmodSync(at, mode);
  }
  return { ...subject.revision, folder };
}
