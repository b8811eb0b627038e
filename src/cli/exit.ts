/** What `holdfast` ends with. Scripts rely on these numbers. */
export const EXIT = {
  done: 0,
  error: 1,
  drift: 2,
  unknown: 3,
  unauthorised: 4,
  waiting: 5,
  interrupted: 130,
} as const;

/** The code for several targets: an error says more than "could not tell", which says more than drift. */
const ORDER: readonly number[] = [EXIT.error, EXIT.unauthorised, EXIT.unknown, EXIT.drift, EXIT.waiting];

export function worstExit(codes: readonly number[]): number {
  return ORDER.find((code) => codes.includes(code)) ?? codes.find((code) => code !== EXIT.done) ?? EXIT.done;
}
