/** Words and the signature over them, as given: it can be verified again, by whoever has the key. */
export type Signed = {
  /** Canonical JSON. */
  readonly statement: string;
  /** Armoured, as `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
};
