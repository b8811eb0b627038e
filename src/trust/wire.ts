/** What a value is, or why it is not one: in words that never repeat it. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

export function read<T>(value: T): Read<T> {
  return { ok: true, value };
}

export function unreadable(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

/**
 * Takes the members of an SSH message (RFC 4251, section 5) one after the other. What is not there is
 * `undefined`, and so is everything after it: whoever reads asks once, at the end, whether it was `whole`.
 */
export class Wire {
  readonly #bytes: Buffer;
  #at = 0;
  #torn = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Everything was there, and nothing is left over. */
  get whole(): boolean {
    return !this.#torn && this.#at === this.#bytes.length;
  }

  bytes(length: number): Buffer | undefined {
    const end = this.#at + length;
    this.#torn ||= end > this.#bytes.length;
    if (this.#torn) return undefined;
    const found = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return found;
  }

  uint32(): number | undefined {
    return this.bytes(4)?.readUInt32BE();
  }

  /** Bytes with their length before them. */
  string(): Buffer | undefined {
    const length = this.uint32();
    return length === undefined ? undefined : this.bytes(length);
  }

  /** The same as text, where it is printable ASCII: everything that is named in these messages is. */
  text(): string | undefined {
    const found = this.string()?.toString('latin1');
    this.#torn ||= found === undefined || !/^[\x20-\x7e]*$/.test(found);
    return this.#torn ? undefined : found;
  }

  /** A whole number above zero, as its bytes without a leading zero. Other forms of the same number are none. */
  number(): Buffer | undefined {
    const found = this.string() ?? Buffer.alloc(0);
    const [first = 0, second = 0] = found;
    this.#torn ||= first >= 0x80 || (first === 0 && second < 0x80);
    if (this.#torn) return undefined;
    return first === 0 ? found.subarray(1) : found;
  }
}

/** Bytes as a member of such a message. */
export function wireString(bytes: string | Uint8Array): Buffer {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

/** The bytes of base64 that is written in its one proper form. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
