import { InvalidArgumentError, Option } from 'commander';
import type { Context } from './context.js';
import { CliError } from './errors.js';
import { positiveDuration, parseInstant } from './render/time.js';

/** At least so many characters of a plan's hash name it. */
const PLAN_PREFIX = /^[0-9a-f]{8,64}$/;
const NAME_LIMIT = 200;
const REASON_LIMIT = 1_000;

export function byOption(): Option {
  return new Option('--by <name>', 'who decides (default: the user of this system; shown as unverified)');
}

/** Required by name, so that the refusal says what it is for. */
export function reasonOption(): Option {
  return new Option('--reason <text>', 'why; it is recorded').argParser((text: string) => {
    if (text.trim() === '') throw new InvalidArgumentError('Say why in a few words.');
    if (text.length > REASON_LIMIT) throw new InvalidArgumentError(`Use at most ${REASON_LIMIT} characters.`);
    return text;
  });
}

export function untilOption(description: string): Option {
  return new Option('--until <when>', `${description}: a duration (4h, 7d) or a time (2030-01-31T12:00:00Z)`);
}

export function planOption(): Option {
  return new Option('--plan <hash>', 'the plan that was reviewed: at least 8 characters of its hash');
}

export function waitOption(): Option {
  return new Option('--wait', 'wait until the incident ends; exits 5 when it still waits at --timeout (default 1h)');
}

/** Who is named as having decided. Nothing verifies it here, and it is shown so. */
export function decider(context: Context, by: string | undefined): string {
  const name = (by ?? context.io.user ?? '').trim();
  if (name === '') throw new CliError('nobody is named as deciding, and the system knows no user name', { remedy: 'Say who with: --by NAME' });
  if (name.length > NAME_LIMIT) throw new CliError(`--by is longer than ${NAME_LIMIT} characters`, { remedy: 'Give a name.' });
  return name;
}

export function requireReason(reason: string | undefined): string {
  if (reason !== undefined) return reason;
  throw new CliError('--reason is missing', { remedy: 'Say why, for the record: --reason "a few words"' });
}

/** A duration counts from now; a time must lie in the future. Returns ISO, UTC. */
export function requireUntil(context: Context, until: string | undefined): string {
  if (until === undefined) throw new CliError('--until is missing', { remedy: 'Say until when: --until 7d, or --until 2030-01-31T12:00:00Z' });
  const ms = positiveDuration(until);
  const instant = ms === undefined ? parseInstant(until) : instantIn(context, ms);
  if (instant === undefined) {
    throw new CliError(`--until ${until} is neither a duration nor a time`, { remedy: 'Write 4h or 7d, or a time such as 2030-01-31T12:00:00Z.' });
  }
  if (Date.parse(instant) <= context.io.now().getTime()) throw new CliError(`--until ${until} lies in the past`, { remedy: 'Give a time to come.' });
  return instant;
}

/** `--since 2h` or a time, as ISO, UTC. */
export function sinceOf(context: Context, since: string): string {
  const ms = positiveDuration(since);
  const instant = ms === undefined ? parseInstant(since) : instantIn(context, -ms);
  if (instant !== undefined && instant > context.io.now().toISOString()) throw new CliError(`--since ${since} lies in the future`, { remedy: 'Write how long ago, as 2h or 7d, or a time that has passed.' });
  if (instant !== undefined) return instant;
  throw new CliError(`--since ${since} is neither a duration nor a time`, { remedy: 'Write 2h or 7d, or a time such as 2030-01-31T12:00:00Z.' });
}

export function planPrefix(plan: string | undefined): string | undefined {
  if (plan === undefined) return undefined;
  const prefix = plan.toLowerCase();
  if (PLAN_PREFIX.test(prefix)) return prefix;
  throw new CliError(`--plan ${plan} is not a plan's hash`, { remedy: 'Give at least 8 characters of it (0-9, a-f), as holdfast incident ID shows it.' });
}

function instantIn(context: Context, ms: number): string {
  return new Date(context.io.now().getTime() + ms).toISOString();
}
