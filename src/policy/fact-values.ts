import { Environment } from '@marcbachmann/cel-js';
import type { Json } from '../domain/json.js';
import type { Field, FieldType, Input, Values } from './condition.js';

/** A value with more parts or characters than this is not looked at: the condition fails. */
const MOST_PARTS = 1_000;
const MOST_CHARACTERS = 64 * 1024;

type Raw = Readonly<Record<string, Json | undefined>>;
/** Holds the values of one group, `change` or `plan`, for the conditions that read it. */
export type Group = new (raw: Raw) => object;

/** Fields are converted when a condition reads them: most read few. */
export function groupClass(fields: Readonly<Record<string, Field>>): Group {
  class Held {
    readonly #raw: Raw;
    constructor(raw: Raw) {
      this.#raw = raw;
    }
    readonly #ready = new Map<string, unknown>();
    /** Made ready once, however often a loop reads it. */
    static read(held: Held, name: string, type: FieldType): unknown {
      if (!held.#ready.has(name)) held.#ready.set(name, converted(type, held.#raw[name]));
      return held.#ready.get(name);
    }
  }
  for (const [name, { type }] of Object.entries(fields)) {
    Object.defineProperty(Held.prototype, name, { enumerable: true, get(this: Held) { return Held.read(this, name, type); } });
  }
  return Held;
}

/** A value as conditions see it. */
export function factOf(entry: Input[string] | undefined, group: Group | undefined, value: Values[string]): unknown {
  if (group !== undefined) return new group(value as Raw);
  return entry !== undefined && 'type' in entry ? converted(entry.type, value) : value;
}

const durations = new Environment();
const durationOf = durations.registerVariable('text', 'string').parse('duration(text)');

function converted(type: FieldType, value: Json | undefined): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : '';
    case 'int':
      return BigInt(typeof value === 'number' ? Math.trunc(value) : 0);
    case 'bool':
      return value === true;
    case 'timestamp':
      return new Date(typeof value === 'string' ? value : 0);
    case 'duration':
      return durationOf({ text: `${String(typeof value === 'number' ? Math.trunc(value) : 0)}ms` });
    case 'list<string>':
      return Array.isArray(value) ? value : [];
    case 'dyn':
      return bounded(value);
    default:
      return type satisfies never;
  }
}

function bounded(value: Json | undefined): Json {
  if (value === undefined) return null;
  if (typeof value === 'string' ? value.length > MOST_CHARACTERS : partsOf(value, { parts: 0, characters: 0 })) throw new RangeError('the value is too large for rules to look at');
  return value;
}

/** Whether there is more in it than rules look at. */
function partsOf(value: Json | undefined, seen: { parts: number; characters: number }): boolean {
  seen.parts += 1;
  if (typeof value === 'string') seen.characters += value.length;
  if (seen.parts > MOST_PARTS || seen.characters > MOST_CHARACTERS) return true;
  return typeof value === 'object' && value !== null && Object.entries(value).some(([key, each]) => {
    seen.characters += key.length;
    return partsOf(each, seen);
  });
}
