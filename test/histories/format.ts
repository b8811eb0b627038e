import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;

/** What the server recorded of one run, as the client fetches it and a replay takes it. */
export type History = ReturnType<typeof History.create>;

type HistoryFields = Parameters<typeof History.create>[0];

/** JSON, an event a line, without what would only say where it was recorded. */
export function historyText(fields: HistoryFields): string {
  const { events } = History.toObject(History.fromObject(fields ?? {}), { enums: String, longs: String, bytes: String }) as { events: unknown[] };
  return `{"events":[\n${events.map((event) => JSON.stringify(withoutPlace(event))).join(',\n')}\n]}\n`;
}

export function readHistory(text: string): History {
  return History.fromObject(JSON.parse(text) as Record<string, unknown>);
}

function withoutPlace(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlace);
  if (typeof value !== 'object' || value === null) return value;
  const members = value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(members).flatMap(([key, member]): [string, unknown][] => {
    if (key === 'stackTrace') return [];
    if (key === 'identity') return [[key, 'recorded']];
    // A sticky queue is named after the process and its machine.
    if (key === 'name' && members['kind'] === 'TASK_QUEUE_KIND_STICKY') return [[key, 'sticky']];
    return [[key, withoutPlace(member)]];
  }));
}
