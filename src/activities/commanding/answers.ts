import type { CommandAnswer } from '../../workflows/messages.js';

/** It was carried out; `message` says what moves now. */
export function yes(message: string): CommandAnswer {
  return { ok: true, message };
}

/** It was not, and nothing moved. */
export function no(message: string): CommandAnswer {
  return { ok: false, message };
}

/** The same, because of who said it. */
export function notAllowed(message: string): CommandAnswer {
  return { ...no(message), unauthorised: true };
}
