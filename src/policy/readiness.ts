import { CLASSES, type ChangeClass } from '../domain/deciding/class.js';
import type { Decision } from '../domain/deciding/decision.js';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import type { Outcome } from '../domain/phase.js';
import type { ReadinessCase } from '../domain/deciding/readiness.js';
import type { Entry, EntryKind, Ledger } from '../ledger/ledger.js';

const KINDS: readonly EntryKind[] = ['opened', 'assessed', 'approved', 'decided', 'closed'];

interface Assessed {
  readonly environment: string;
  readonly at: string;
  readonly plan?: string;
  /** Of each class, what would be done: of several that differ, the one that a person is asked about. */
  readonly would: ReadonlyMap<ChangeClass, Decision>;
  allowed?: 'person' | 'policy';
  outcome?: Outcome;
  undone?: boolean;
}

/** What the record says of every part that was decided since then (ISO, UTC), class by class. A part that was decided anew counts once, as it stood in the end. */
export async function readinessCases(ledger: Pick<Ledger, 'entries'>, { since, environment }: { readonly since: string; readonly environment?: string }): Promise<readonly ReadinessCase[]> {
  const parts = new Map<string, Assessed>();
  const closed = new Set<string>();
  for await (const entry of ledger.entries({ since, kinds: KINDS, ...(environment === undefined ? {} : { environment }) })) read(entry, parts, closed);
  return [...parts].flatMap(([key, part]) => {
    // Of a closed incident, what has no end of its own was decided anew as another part.
    if (part.outcome === undefined && closed.has(key.slice(0, key.lastIndexOf('/')))) return [];
    const { would, plan: _, ...rest } = part;
    return [...would].map(([of, decision]): ReadinessCase => ({ ...rest, class: of, would: decision }));
  });
}

function read({ kind, at, environment = '', target = '', incident = 0, data }: Entry, parts: Map<string, Assessed>, closed: Set<string>): void {
  const id = `${environment}/${target}#${incident}`;
  const keyOf = (part: Json | undefined): string => `${id}/${typeof part === 'number' ? part : ''}`;
  const part = parts.get(keyOf(data['part']));
  switch (kind) {
    case 'assessed': {
      const { plan } = data;
      parts.set(keyOf(data['part']), { environment, at, would: wouldByClass(data), ...(typeof plan === 'string' ? { plan } : {}) });
      return;
    }
    case 'approved':
      if (part !== undefined && part.plan === data['plan']) part.allowed = 'person';
      return;
    case 'decided':
      if (part !== undefined && data['decision'] === 'policy' && part.plan === data['plan']) part.allowed = 'policy';
      return;
    case 'opened':
      for (const [key, each] of parts) if (typeof data['undoes'] === 'number' && key.startsWith(`${environment}/${target}#${data['undoes']}/`)) each.undone = true;
      return;
    case 'closed':
      closed.add(id);
      for (const each of Array.isArray(data['parts']) ? data['parts'] : []) endOf(each as Json, (key) => parts.get(keyOf(key)));
      return;
    default:
  }
}

function endOf(ended: Json, partOf: (part: Json | undefined) => Assessed | undefined): void {
  if (!isJsonObject(ended)) return;
  const part = partOf(ended['part']);
  if (part === undefined || typeof ended['outcome'] !== 'string') return;
  part.outcome = ended['outcome'] as Outcome;
  if (ended['outcome'] === 'rolled-back' && ended['cause'] === 'asked') part.undone = true;
}

function wouldByClass(data: JsonObject): ReadonlyMap<ChangeClass, Decision> {
  const found = new Map<ChangeClass, Decision>();
  // Too much at once asks, whatever each change alone would be.
  const wide = data['would'] === 'ask' || (Array.isArray(data['rules']) && data['rules'].includes('blast-radius'));
  for (const change of Array.isArray(data['changes']) ? data['changes'] : []) {
    if (!isJsonObject(change as Json)) continue;
    const of = classIn(change as JsonObject);
    const would = wide ? 'ask' : wouldOf(change as JsonObject);
    if (of === undefined || would === undefined) continue;
    if (found.get(of) === undefined || would !== 'remediate') found.set(of, would);
  }
  return found;
}

function wouldOf(change: JsonObject): Decision | undefined {
  const would = isJsonObject(change['would']) ? change['would']['decision'] : change['decision'];
  return typeof would === 'string' ? (would as Decision) : undefined;
}

function classIn({ inputs }: JsonObject): ChangeClass | undefined {
  const risk = isJsonObject(inputs) ? inputs['risk'] : undefined;
  const of = isJsonObject(risk) && isJsonObject(risk['class']) ? risk['class']['value'] : undefined;
  return CLASSES.find((each) => each === of);
}
