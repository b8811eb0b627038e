import { DefaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/**
 * Anyone can send a payload that cannot be decoded; the default converter would throw inside the
 * workflow task, again and again. Such a payload becomes a value that says so, which every guard
 * refuses as malformed.
 */
class LenientPayloadConverter implements PayloadConverter {
  private readonly inner = new DefaultPayloadConverter();

  toPayload<T>(value: T): Payload {
    return this.inner.toPayload(value);
  }

  fromPayload<T>(payload: Payload): T {
    try {
      return this.inner.fromPayload<T>(payload);
    } catch {
      return { undecodable: true } as T;
    }
  }
}

/** Loaded by name, by the worker and by the workflow bundle. */
export const payloadConverter: PayloadConverter = new LenientPayloadConverter();
