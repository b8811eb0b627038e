/**
 * A run whose own input cannot be decrypted cannot know what it did so far. A lost key may come
 * back: its task fails until then, and a check says so; ending the run would lose what it holds.
 */
export function expectUnlocked(input: unknown): void {
  const { undecodable, reason } = (input ?? {}) as { readonly undecodable?: unknown; readonly reason?: unknown };
  if (undecodable === true && typeof reason === 'string') throw new Error(`the input of this run cannot be decrypted: ${reason}`);
}
