const REFERENCE = /\$\{(?:env|file):[^}]+\}/g;

export interface Resolved {
  readonly values: Readonly<Record<string, string>>;
  /** The secrets that were put in, so that they can be taken out of what is shown. */
  readonly secrets: readonly string[];
}

/** Replaces every secret reference in the values, also inside them: `Bearer ${env:TOKEN}`. Throws what `resolve` throws. */
export async function resolveReferences(
  values: Readonly<Record<string, string>>,
  resolve: (reference: string) => Promise<string>,
): Promise<Resolved> {
  const references = [...new Set(Object.values(values).flatMap((value) => value.match(REFERENCE) ?? []))];
  const found = new Map(await Promise.all(references.map(async (reference) => [reference, await resolve(reference)] as const)));
  const entries = Object.entries(values).map(([name, value]) => [name, value.replace(REFERENCE, (reference) => found.get(reference) ?? reference)] as const);
  return { values: Object.fromEntries(entries), secrets: [...found.values()].filter((secret) => secret !== '') };
}

export function redact(text: string, secrets: readonly string[]): string {
  return [...secrets].sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}
