import type { ChangeClass } from './class.js';
import type { Remediation, Target } from '../target.js';

/** Most restrictive first. */
export const REMEDIATIONS: readonly Remediation[] = ['observe', 'ask', 'auto'];

/** A setting, and what said it: `remediation.classes.metadata of prod: auto`. */
export interface Setting {
  readonly remediation: Remediation;
  readonly by: string;
}

/** What holds for a target, worked out when the configuration is read: its default, and what is said of single classes. */
export interface Settings {
  readonly default: Setting;
  readonly classes: Readonly<Partial<Record<ChangeClass, Setting>>>;
}

/** Which targets may be repaired by themselves where a setting says `auto`: so many of a hundred, or these. */
export type Share = { readonly percent: number } | { readonly targets: readonly string[] };

/** What one place of the configuration says, the environment or the target. */
export interface RemediationInput {
  readonly default?: Remediation;
  readonly classes?: Readonly<Partial<Record<ChangeClass, Remediation>>>;
  readonly providers?: Readonly<Record<string, Remediation>>;
  readonly share?: Share;
}

export interface SettingsInput {
  readonly environment: string;
  readonly target: string;
  readonly provider: string;
  readonly ofEnvironment: RemediationInput & { readonly default: Remediation };
  readonly ofTarget?: RemediationInput;
}

/**
 * Of what is said of the target, of the class and of the provider the most restrictive holds; where
 * nothing is said of any, the environment's default. What comes out as `auto` outside the share asks.
 */
export function settingsOf(input: SettingsInput): Settings {
  const { ofEnvironment, ofTarget } = input;
  const classes = new Set([...Object.keys(ofEnvironment.classes ?? {}), ...Object.keys(ofTarget?.classes ?? {})] as ChangeClass[]);
  return {
    default: settingOf(input, undefined),
    classes: Object.fromEntries([...classes].map((each) => [each, settingOf(input, each)])),
  };
}

/** What holds for a class of change in a target. */
export function remediationOf(target: Pick<Target, 'remediation' | 'settings'>, of: ChangeClass): Setting {
  const { remediation, settings } = target;
  return settings?.classes[of] ?? settings?.default ?? { remediation, by: `remediation: ${remediation}` };
}

/** Whether a target belongs to a share: its own address decides, so that a growing share only adds. */
export function isInShare(share: Share, { environment, target }: { readonly environment: string; readonly target: string }): boolean {
  return 'targets' in share ? share.targets.includes(target) : placeInShare(`${environment}/${target}`) < share.percent;
}

function settingOf(input: SettingsInput, of: ChangeClass | undefined): Setting {
  const { environment, target, provider, ofEnvironment, ofTarget } = input;
  const ofClass = of === undefined ? undefined : ofTarget?.classes?.[of];
  const said = [
    ofClass === undefined ? own(ofTarget?.default, `remediation of ${target}`) : own(ofClass, `remediation.classes.${of ?? ''} of ${target}`),
    own(of === undefined ? undefined : ofEnvironment.classes?.[of], `remediation.classes.${of ?? ''} of ${environment}`),
    own(ofEnvironment.providers?.[provider], `remediation.providers.${provider} of ${environment}`),
  ].filter((each) => each !== undefined);
  const [first = { remediation: ofEnvironment.default, by: `remediation: ${ofEnvironment.default}` }] = said.sort((a, b) => REMEDIATIONS.indexOf(a.remediation) - REMEDIATIONS.indexOf(b.remediation));
  const { share } = ofEnvironment;
  if (first.remediation !== 'auto' || share === undefined || isInShare(share, input)) return first;
  const which = 'percent' in share ? `the ${share.percent}%` : 'the targets';
  return { remediation: 'ask', by: `remediation.auto.targets of ${environment}: ${target} is not among ${which} that it repairs by itself` };
}

function own(remediation: Remediation | undefined, place: string): Setting | undefined {
  return remediation === undefined ? undefined : { remediation, by: `${place}: ${remediation}` };
}

/** From 0 to below 100, to two places, spread evenly: FNV-1a with a final mix, since addresses differ only at their ends. */
function placeInShare(address: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < address.length; index += 1) hash = Math.imul(hash ^ address.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) % 10_000) / 100;
}
