import type { ClosedGate } from '../../ledger/ledger.js';
import { ENGINE } from '../../domain/gates/busy.js';
import { scopeText, withKey, withPlan } from '../../domain/gates/gate.js';
import { commandOf } from '../../domain/gates/ask.js';
import type { BlastRadius, Plan } from '../../domain/plan.js';
import { requiredText } from '../../domain/approving/quorum.js';
import { classesText, toldRisk, trialsOf, wouldText } from '../../policy/telling.js';
import type { AssessedPart } from '../deps.js';
import { count } from './changes.js';
import { markdown, markdownCode, plain } from './escape.js';
import type { Style } from './style.js';
import { indent } from './table.js';

/** So many characters of a hash are shown; approving needs at least 8 of them. */
const SHORT_HASH = 12;

export function shortHash(hash: string): string {
  return plain(hash.slice(0, SHORT_HASH));
}

export function partLines(part: AssessedPart, number: number, style: Style): readonly string[] {
  const { plan } = part;
  const classes = classesText(part.decided);
  const risk = toldRisk(part.decided);
  return [
    style.bold(`Part ${number}: ${part.decision}`) + ` (${count(part.changes.length, 'change')}, risk ${part.risk}${classes === '' ? '' : `: ${classes}`})`,
    ...indent(
      [
        `why:      ${plain(part.reason)}`,
        `rules:    ${part.rules.map(plain).join(', ')}`,
        ...(risk === undefined ? [] : [`risk:     ${part.risk}, ${plain(risk)}`]),
        ...(part.would === undefined ? [] : [`would:    ${wouldText(part.would)}${wouldReasons(part)}`]),
        ...requiredLines(part).map((each) => `needs:    ${plain(each)}`),
        ...trialsOf(part.decided).map((each) => `on trial: ${plain(each)}`),
        ...(part.impossible === undefined ? [] : [`repair:   ${style.red('none')}: ${plain(part.impossible)}`]),
        ...(plan === undefined ? [] : planLines(plan, style)),
        ...(part.gates.length === 0 ? [`gates:    ${opened(part)}`] : part.gates.flatMap((gate) => [`gate:     ${style.yellow(gate.gate)} is closed: ${plain(closedText(gate))}`, ...(gate.command === undefined ? [] : [`open it:  ${plain(withPlan(gate.command, plan?.hash))}`])])),
        ...(part.requires === undefined ? [] : [`requires: ${plain(part.requires)}`]),
        ...(part.atSwitch ?? []).map((gate) => `switch:   waits for ${style.yellow(gate.gate)}, and is kept staged: ${plain(closedText(gate))}`),
        `next:     ${nextOf(part)}`,
        ...(part.now === undefined ? [] : [`now:      ${plain(part.now)}`]),
      ],
      2,
    ),
  ];
}

export function planLines(plan: Plan, style: Style): readonly string[] {
  return [
    `plan:     ${style.bold(shortHash(plan.hash))}`,
    `effect:   ${blastText(plan.blastRadius)}`,
    `staging:  ${plan.staging}; rollback: ${plan.rollback}; fencing: ${plan.fencing}`,
    'steps:',
    ...plan.steps.map((step, index) => `  ${index + 1}. ${plain(step.summary)}`),
  ];
}

export function partMarkdown(part: AssessedPart, number: number): string {
  const { plan } = part;
  return [
    `**Part ${number}: ${part.decision}** (${count(part.changes.length, 'change')}, risk ${part.risk})`,
    '',
    `- Why: ${markdown(part.reason)}`,
    `- Rules: ${part.rules.map(markdownCode).join(', ')}`,
    ...(toldRisk(part.decided) === undefined ? [] : [`- Risk: ${part.risk}, ${markdown(toldRisk(part.decided) ?? '')}`]),
    ...(part.would === undefined ? [] : [`- Would: ${wouldText(part.would)}${markdown(wouldReasons(part))}`]),
    ...requiredLines(part).map((each) => `- Needs: ${markdown(each)}`),
    ...trialsOf(part.decided).map((each) => `- On trial: ${markdown(each)}`),
    ...(part.impossible === undefined ? [] : [`- No repair: ${markdown(part.impossible)}`]),
    ...(plan === undefined
      ? []
      : [
          `- Plan: ${markdownCode(shortHash(plan.hash))}: ${blastText(plan.blastRadius)}; staging ${plan.staging}, rollback ${plan.rollback}`,
          ...plan.steps.map((step, index) => `  ${index + 1}. ${markdown(step.summary)}`),
        ]),
    ...part.gates.map((gate) => `- Gate ${markdownCode(gate.gate)} is closed: ${markdown(closedText(gate))}${gate.command === undefined ? '' : `; open it with ${markdownCode(withPlan(gate.command, plan?.hash))}`}`),
    ...(part.requires === undefined ? [] : [`- Who must approve: ${markdown(part.requires)}`]),
    ...(part.atSwitch ?? []).map((gate) => `- The switch waits for gate ${markdownCode(gate.gate)}, and is kept staged: ${markdown(closedText(gate))}`),
    `- Next: ${markdown(nextOf(part))}`,
    ...(part.now === undefined ? [] : [`- Now: ${markdown(part.now)}`]),
  ].join('\n');
}

/** The approval of its plan is what opens the gate blast-radius, which is asked before anybody is. */
function opened({ rules }: AssessedPart): string {
  return rules.includes('blast-radius') ? 'open but blast-radius, which the approval of this plan opens' : 'open';
}

/** With when it opens, where the reason does not say so itself. */
function closedText({ reason, opensAt }: AssessedPart['gates'][number]): string {
  return opensAt === undefined || reason.includes(opensAt) ? reason : `${reason} (opens ${opensAt})`;
}

function blastText(radius: BlastRadius): string {
  const said = (['create', 'update', 'replace', 'delete'] as const).filter((verb) => radius[verb] > 0).map((verb) => `${verb} ${radius[verb]}`);
  return said.length === 0 ? 'changes nothing' : said.join(', ');
}

/** `freeze of prod by alice until …: reason`. */
export function gateText(gate: ClosedGate, mustSign: boolean): string {
  const path = gate.path === undefined || gate.path === ENGINE ? '' : ` ${plain(gate.path)}`;
  const place = gate.resource === undefined ? '' : ` for ${plain(gate.resource)}${path}`;
  const until = gate.until === undefined ? '' : ` until ${plain(gate.until)}`;
  const half = gate.halfOpenAt === undefined ? '' : `, one repair is let through from ${plain(gate.halfOpenAt)} on`;
  return `${gate.gate} of ${plain(scopeText(gate.scope))}${place} by ${plain(gate.by)}${until}${half}: ${plain(gate.reason)}${opens(gate, mustSign)}`;
}

/** No command opens a window: its reason says when it opens. */
function opens(gate: ClosedGate, mustSign: boolean): string {
  const command = commandOf(gate);
  return gate.gate === 'window' ? '' : `; ${plain(mustSign ? withKey(command) : command)}`;
}

/** `: it stood there at the first look (first-seen, remediation: observe)`. */
function wouldReasons({ decided }: AssessedPart): string {
  const would = decided.flatMap((each) => each.would ?? []);
  const reasons = [...new Set(would.map((each) => each.reason))].join('; ');
  return reasons === '' ? '' : `: ${plain(reasons)} (${plain([...new Set(would.flatMap((each) => each.rules))].join(', '))})`;
}

/** Whom rules ask for, beyond the environment: `2 of sre (rule exposure (default:12))`. */
function requiredLines({ decided }: AssessedPart): readonly string[] {
  return [...new Set(decided.flatMap((each) => each.requires ?? []).map((each) => `${requiredText({ requirements: [each] })} (${each.because})`))];
}

/** What would happen with this part if a check found it now. */
export function nextOf(part: AssessedPart): string {
  if (part.decision === 'hold') return `nothing: it is recorded and watched${part.plan === undefined ? '' : ', and a person may approve its plan'}`;
  if (part.decision === 'accept') return 'nothing: the change is accepted for now';
  if (part.decision === 'adopt') return 'a person is asked to adopt it: holdfast adopt makes it the desired state, and nothing live is changed';
  if (part.plan === undefined) return 'a person has to repair it';
  const gates = [...new Set(part.gates.map((each) => each.gate))];
  const once = gates.length === 0 ? undefined : `once ${gates.join(' and ')} ${gates.length === 1 ? 'opens' : 'open'},`;
  const wait = once === undefined ? '' : `, and ${once}`;
  const repair = 'it is staged, proved healthy, switched over and watched; what fails is rolled back';
  return part.decision === 'ask' ? `a person is asked; after the approval${wait} ${repair}` : `${once === undefined ? '' : `${once} `}${repair}`;
}
