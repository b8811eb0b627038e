const OFF: readonly string[] = ['', '0', 'false', 'no', 'off'];

/** What `HOLDFAST_READ_ONLY` says. Whoever sets it wants no write, however it is spelled. */
export function isReadOnly(value: string | undefined): boolean {
  return !OFF.includes((value ?? '').trim().toLowerCase());
}
