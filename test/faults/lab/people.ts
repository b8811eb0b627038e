import type { People } from '../../../src/domain/approving/people.js';
import { signer, type Signer } from '../../support/ssh-signer.js';

export const PERSONS = ['alice', 'bob', 'carol', 'dave'] as const;
export type Person = (typeof PERSONS)[number];

const GROUPS: People['groups'] = { sre: ['alice', 'bob', 'carol'], leads: ['dave'] };

/** Who signs in the laboratory: the keys stay with it, and its worker processes know the public halves alone. */
export interface Signers {
  readonly people: People;
  sign(by: Person, statement: string): string;
}

export function openSigners(): Signers {
  const keys = Object.fromEntries(PERSONS.map((name) => [name, signer()])) as unknown as Readonly<Record<Person, Signer>>;
  return {
    people: { principals: PERSONS.map((name) => ({ name, keys: [{ key: keys[name].line, fingerprint: keys[name].fingerprint }], aliases: [] })), groups: GROUPS },
    sign: (by, statement) => keys[by].sign(statement),
  };
}
