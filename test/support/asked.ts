import type { Laboratory } from './laboratory.js';

export interface AskedQuestion {
  readonly address: string;
  readonly number: number;
  readonly plan: string;
  readonly ask: string;
}

/** What is asked now, as everybody who reaches the namespace can read it. */
export async function askedOf(lab: Laboratory, address: string): Promise<AskedQuestion> {
  const { incident, parts } = await lab.untilPhase(address, 'awaiting-approval');
  const part = parts.find((each) => each.phase === 'awaiting-approval');
  const ask = part?.['ask'];
  return { address, number: Number(incident.split('#')[1]), plan: part?.plan ?? '', ask: typeof ask === 'string' ? ask : '' };
}
