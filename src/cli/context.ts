import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { environmentOf, type Config, type Environment } from '../config/config.js';
import { nearest } from '../config/text.js';
import { formatAddress, parseAddress, parseIncident, type TargetAddress } from '../domain/address.js';
import type { Target } from '../domain/target.js';
import type { Ledger } from '../ledger/ledger.js';
import type { ConfigPlace, Connection, Deps } from './deps.js';
import { CliError } from './errors.js';
import type { Io } from './io.js';
import { plainJson } from './render/escape.js';
import { makeStyle, type Style } from './render/style.js';
import { table } from './render/table.js';

export type Format = 'table' | 'json' | 'markdown';

/** The options that every command has. */
export interface GlobalOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly output: Format;
  readonly debug: boolean;
  readonly color: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** How long a command looks for Temporal where it can do without it. */
const GLANCE_MS = 2_000;
const CONNECT_MS = 10_000;

/** What one run of a command works with: its process, its dependencies and the options that all commands have. */
export class Context {
  readonly io: Io;
  readonly deps: Deps;
  readonly options: GlobalOptions;
  readonly style: Style;
  #config: Promise<Config> | undefined;

  constructor(input: { io: Io; deps: Deps; options: GlobalOptions }) {
    this.io = input.io;
    this.deps = input.deps;
    this.options = input.options;
    this.style = makeStyle(this.colour(input.io.outTty));
  }

  get json(): boolean {
    return this.options.output === 'json';
  }

  colour(tty: boolean): boolean {
    const { NO_COLOR, TERM } = this.io.env;
    return tty && this.options.color && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  }

  /** The configuration that is named, or the first `holdfast.yaml` from here upward. */
  configFile(): string {
    if (this.options.config !== undefined) return resolve(this.io.cwd, this.options.config);
    const found = findUpward(this.io.cwd, 'holdfast.yaml');
    if (found !== undefined) return found;
    throw new CliError(`there is no holdfast.yaml in ${this.io.cwd} or a folder above it`, {
      remedy: 'Write one with: holdfast init — or name one with --config FILE.',
    });
  }

  config(): Promise<Config> {
    this.#config ??= this.deps.loadConfig(this.configPlace());
    return this.#config;
  }

  configPlace(): ConfigPlace {
    return { file: this.configFile(), ...(this.options.dataDir === undefined ? {} : { dataDir: this.dataDir() }) };
  }

  dataDir(): string {
    if (this.options.dataDir !== undefined) return resolve(this.io.cwd, this.options.dataDir);
    return join(dirname(this.configFile()), '.holdfast');
  }

  async ledger(options: { readonly readOnly: boolean } = { readOnly: true }): Promise<Ledger | undefined> {
    return this.deps.openLedger(await this.config(), options);
  }

  /** The record, where a command has nothing to say without one. */
  async requireLedger(): Promise<Ledger> {
    const ledger = await this.ledger();
    if (ledger !== undefined) return ledger;
    const { ledger: place } = await this.config();
    throw new CliError(`there is no record yet at ${place.type === 'sqlite' ? place.file : `the PostgreSQL database of ${place.url}`}`, {
      remedy: 'Start Holdfast with: holdfast up — or look without it: holdfast check.',
    });
  }

  async connect(options: { readonly glance?: boolean } = {}): Promise<Connection> {
    const timeoutMs = options.glance === true ? GLANCE_MS : Math.min(this.options.timeout ?? CONNECT_MS, CONNECT_MS);
    return this.deps.connect({ dataDir: this.dataDir(), timeoutMs, config: await this.config() });
  }

  table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    return table(head, rows, { style: this.style, columns: this.io.outTty ? this.io.columns : 0 });
  }

  /** Prints one documented JSON value: `{"version": 1, "kind": …}`. */
  async printJson(kind: string, value: Readonly<Record<string, unknown>> & { readonly kind?: never; readonly version?: never }): Promise<void> {
    await this.io.out(`${plainJson(JSON.stringify({ version: 1, kind, ...value }, null, 2))}\n`);
  }

  async say(text: string): Promise<void> {
    await this.io.out(text.endsWith('\n') ? text : `${text}\n`);
  }

  note(text: string): void {
    this.io.err(`${text}\n`);
  }

  /** The targets an address names; all of them without one. Refuses what names none. */
  async targets(address: string | undefined): Promise<readonly Target[]> {
    const config = await this.config();
    if (address === undefined) return config.targets;
    const parsed = parseAddress(address);
    if (parsed === undefined) throw badAddress(address);
    requireEnvironment(config, parsed.environment);
    const found = config.targets.filter(
      (target) => target.environment === parsed.environment && (parsed.target === undefined || parsed.target === target.target),
    );
    if (found.length > 0 || parsed.target === undefined) return found;
    const known = config.targets.map(formatAddress);
    const near = nearest(address, known);
    throw new CliError(`the configuration has no target ${address}`, {
      remedy: near === undefined ? `Its targets: ${known.slice(0, 8).join(', ') || 'none'}.` : `Did you mean ${near}?`,
    });
  }

  async target(address: string): Promise<Target> {
    const parsed = parseAddress(address);
    if (parsed === undefined) throw badAddress(address);
    const [target] = await this.targets(address);
    if (parsed.target === undefined || target === undefined) {
      throw new CliError(`${address} is an environment, and this needs one target`, { remedy: `Write ${address}/TARGET.` });
    }
    return target;
  }

  async environment(name: string): Promise<Environment> {
    return requireEnvironment(await this.config(), name);
  }

  /** `prod/storefront#7`, or without the number for the open or last incident. */
  incidentAddress(text: string): TargetAddress & { readonly number?: number } {
    const parsed = parseIncident(text);
    if (parsed !== undefined) return parsed;
    throw new CliError(`${text} is not an incident`, { remedy: 'Write ENVIRONMENT/TARGET#NUMBER, for example prod/storefront#7; without the number it is the open or last one.' });
  }
}

export function globalOptions(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}

export function badAddress(text: string): CliError {
  return new CliError(`${text === '' ? 'an empty text' : text} is not an address`, {
    remedy: 'Write ENVIRONMENT or ENVIRONMENT/TARGET in lower-case letters, digits and hyphens, for example prod/storefront.',
  });
}

function requireEnvironment(config: Config, name: string): Environment {
  const found = environmentOf(config, name);
  if (found !== undefined) return found;
  const known = config.environments.map((environment) => environment.name);
  const near = nearest(name, known);
  throw new CliError(`the configuration has no environment ${name}`, {
    remedy: near === undefined ? `Its environments: ${known.join(', ') || 'none'}.` : `Did you mean ${near}?`,
  });
}

function findUpward(from: string, name: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const file = join(folder, name);
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) return undefined;
  }
}
