import type { HoldfastClient } from '../client.js';
import type { Config } from '../config/config.js';
import type { TargetAddress } from '../domain/address.js';
import type { Change, Observation } from '../domain/change.js';
import type { ClosedAnswer } from '../domain/gates/gate.js';
import type { DecisionInput, Part } from '../domain/deciding/decision.js';
import type { Json } from '../domain/json.js';
import type { Plan } from '../domain/plan.js';
import type { Target } from '../domain/target.js';
import type { Ledger } from '../ledger/ledger.js';

/**
 * What commands need of the rest of Holdfast, in the shape they need it. The real ones
 * (`compose.ts`) load their modules at the first call, so that `holdfast --help` loads none;
 * tests hand in fakes.
 */
export interface Deps {
  /** Reads and checks the configuration; throws what `formatConfigError` understands. */
  loadConfig(where: ConfigPlace): Promise<Config>;
  /** The text of a configuration error, with file, line and caret; `undefined` for any other error. */
  formatConfigError(error: unknown): string | undefined;
  configSchema(): Promise<Json>;
  /** Every value of a target's merged configuration and where it was written. */
  explain(where: ConfigPlace, address: TargetAddress): Promise<readonly ExplainedValue[]>;
  init(options: InitRequest): Promise<InitResult>;
  /** One look, as a check takes it: desired, actual, ignore rules, identity. Writes nothing. */
  look(input: LookRequest): Promise<Observation>;
  /** What would be decided and done about an observation. Writes nothing. */
  assess(input: AssessRequest): Promise<Assessed>;
  /** Opens the record; `undefined` when there is none yet and `readOnly` is set. */
  openLedger(config: Config, options: { readonly readOnly: boolean }): Promise<Ledger | undefined>;
  connect(options: ConnectRequest): Promise<Connection>;
  /** Sends a test event through the real sink, now; throws when it was not taken. */
  notifyTest(config: Config, sink: string, signal: AbortSignal): Promise<void>;
  startWorkers(request: WorkersRequest): Promise<Running>;
  up(request: UpRequest): Promise<UpRunning>;
  /** Where Temporal is looked for, and who said so. */
  temporalPlace(dataDir: string): Promise<TemporalPlace>;
  /** Names of the search attributes that the namespace lacks; with `register` they are registered first. */
  searchAttributes(options: ConnectRequest & { readonly register: boolean }): Promise<{ readonly missing: readonly string[]; readonly registered: readonly string[] }>;
  /** At least how many milliseconds this machine's clock is behind Temporal's; 0 when that cannot be seen. */
  clockBehind(options: ConnectRequest): Promise<number>;
  /** Opens the artifact store; throws when it cannot be used. */
  tryArtifacts(config: Config): Promise<void>;
  /** Resolves a secret reference; throws, without the secret, when it does not resolve. */
  trySecret(config: Config, reference: string): Promise<void>;
  /** Looks at the keys of the stores that this process was given; throws, without the key, for one that cannot be used. */
  tryKeys(config: Config): Promise<void>;
  /** Reads the target's source as a check would; throws when it cannot. */
  trySource(input: LookRequest): Promise<void>;
}

export interface ConfigPlace {
  readonly file: string;
  readonly dataDir?: string;
  /** Rule files in place of those that the configuration names: absolute paths, `default`, `!default`. */
  readonly policies?: readonly string[];
}

export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
  /** `the embedded server of /srv/.holdfast`, `TEMPORAL_ADDRESS`, …. */
  readonly from: string;
}

export interface ExplainedValue {
  /** `health[0].interval`. */
  readonly path: string;
  readonly value: Json;
  /** Absolute; `default` for what nobody wrote, with line 0. */
  readonly file: string;
  readonly line: number;
}

export interface InitRequest {
  readonly folder: string;
  /** For `--capture`: the live folder whose state becomes the desired one. */
  readonly root?: string;
  readonly capture: boolean;
  /** Where to write the configuration (default: holdfast.yaml in the folder). */
  readonly file?: string;
  readonly signal: AbortSignal;
}

export interface InitResult {
  readonly written: readonly { readonly path: string; readonly what: string }[];
  /** An address that the new configuration has, for the commands to try next. */
  readonly example?: string;
}

export interface LookRequest {
  readonly config: Config;
  readonly target: Target;
  readonly signal: AbortSignal;
}

export interface AssessRequest extends LookRequest {
  readonly observation: Observation;
  readonly ledger?: Ledger;
  readonly now: Date;
}

export interface Assessed {
  readonly parts: readonly AssessedPart[];
  /** Changes that nobody is asked about now, each with why: it was settled, or accepted. */
  readonly quiet: readonly { readonly change: Change; readonly why: string }[];
  /** What rules know of every change, those left alone too, before a plan. */
  readonly inputs?: readonly DecisionInput[];
}

export interface AssessedPart extends Part {
  readonly plan?: Plan;
  /** Why there is no plan. */
  readonly impossible?: string;
  /** Who must approve, why, and who may; absent where nobody is asked. */
  readonly requires?: string;
  /** The gates that are closed now. */
  readonly gates: readonly ClosedAnswer[];
  /** Closed for its switch alone: it is staged, and kept for them. */
  readonly atSwitch?: readonly ClosedAnswer[];
  /** Where the open incident stands with this plan, and the command that moves it; absent without a record. */
  readonly now?: string;
}

export interface ConnectRequest {
  /** What is sent and received is encrypted as it says; absent: not at all. */
  readonly config?: Config;
  /** The embedded server is found through its record in this folder. */
  readonly dataDir: string;
  readonly timeoutMs: number;
}

export interface Connection {
  readonly client: HoldfastClient;
  /** Where Temporal answered, and as what: `127.0.0.1:7233`, `default`. */
  readonly address: string;
  readonly namespace: string;
}

export interface WorkersRequest {
  readonly config: Config;
  readonly dataDir: string;
  /** Empty: every pool of the configuration. */
  readonly pools: readonly string[];
  readonly access: 'read' | 'write' | 'both' | 'none';
  /** Also run workflows, deliver messages, and tend schedules and the record. */
  readonly control: boolean;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface Running {
  /** What it polls, for the line that says so. */
  readonly queues: readonly string[];
  /** Settles when the workers have stopped; rejects when one failed. */
  readonly run: Promise<void>;
  /** Asks them to stop: running steps end first. */
  shutdown(): void;
}

export interface UpRequest {
  readonly config: Config;
  readonly dataDir: string;
  readonly port?: number;
  readonly uiPort?: number;
  /** Ends a start that is under way; what runs is ended by `shutdown`. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface UpRunning extends Running {
  readonly temporal: string;
  readonly ui: string;
}
