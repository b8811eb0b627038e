import { formatIncident } from '../../domain/address.js';
import type { Change, Observation } from '../../domain/change.js';
import { driftMarkdown, intentMarkdown } from '../../domain/describe.js';
import type { Risk } from '../../domain/deciding/decision.js';
import { highestRisk, RISKS } from '../../domain/deciding/risk.js';
import { REST_PHASES } from '../../domain/phase.js';
import type { HealthVerdict } from '../../domain/health.js';
import type { Target } from '../../domain/target.js';
import { environmentOf, type Environment } from '../../config/config.js';
import { hashJson } from '../../digest.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import type { ReadContext } from '../../providers/provider.js';
import { assessParts, type AssessedPart as Proposed } from '../../policy/assess.js';
import { gateFacts } from '../../policy/gate-facts.js';
import { decisionInputs } from '../../policy/inputs.js';
import { inStep, probeFor } from '../context.js';
import { configured, type Dependencies } from '../deps.js';
import { askEngine } from '../looking/engine.js';
import { closeFlapping } from '../gates/flapping.js';
import { expectOwnStep } from '../repairing/guard.js';
import { stillEnded } from './let-go.js';
import { unspent } from '../gates/let-through.js';
import { observeTarget, revisionOf } from '../looking/observe.js';
import { sayLapsed } from './lapses.js';
import { relevantChanges } from '../looking/relevant.js';
import { lapsedParts, openPart } from './opening.js';
import { standingParts } from './standing.js';
import { tellAbout } from '../telling.js';
import { decidedUnder, toldText, underOf } from './under.js';
import type { AssessedPart, Assessment, AssessInput, ReadActivities } from '../types.js';

/** The reason of a part is a line or two, whatever was accepted. */
const MOST_LAPSES = 3;

/** Looks, decides and plans for an incident, and puts its questions on record. */
export function assessActivities(deps: Dependencies): Pick<ReadActivities, 'assess'> {
  return {
    assess: (input) => inStep(deps, async (ctx) => {
      expectOwnStep(input.incident);
      const { config, target } = await configured(deps, input.incident);
      const environment = environmentOf(config, target.environment);
      if (environment === undefined) throw new TypeError(`environment ${target.environment} is not configured`);
      const observation = await observeTarget(deps, target, ctx);
      const answer = { concurrent: environment.limits.concurrent, build: deps.build };
      if (observation.verdict === 'unknown') {
        await deps.ledger.updateIncident(input.incident, { drift: 'unknown' });
        if (input.kind === 'blind') await tellBlind(deps, target, input, observation);
        return { ...answer, verdict: 'unknown' as const, reason: observation.reason ?? '', gone: [], parts: [], details: `It cannot be read: ${observation.reason ?? ''}` };
      }
      return { ...answer, verdict: observation.verdict, ...(await decideParts(deps, { input, target, environment, observation }, ctx)) };
    }),
  };
}

interface Deciding {
  readonly input: AssessInput;
  readonly target: Target;
  readonly environment: Environment;
  readonly observation: Observation;
}

async function decideParts(deps: Dependencies, { input, target, environment, observation }: Deciding, ctx: ReadContext): Promise<Pick<Assessment, 'gone' | 'parts' | 'details' | 'told' | 'isElse'>> {
  const { config, provider } = await configured(deps, target);
  const at = deps.now().toISOString();
  const under = decidedUnder(config, target);
  const row = await deps.ledger.incident(input.incident, input.incident.number);
  const { changes, drift, lapsed, quiet } = await relevantChanges(deps, target, observation, at);
  const busy = await changesOf(deps, [...input.parts.filter((part) => !REST_PHASES.includes(part.phase)), ...(await stillEnded(deps, input.incident, { plans: input.settled, at })).map((plan) => ({ plan }))]);
  const free = changes.filter((change) => !busy.has(change.fingerprint));
  await closeFlapping(deps, target, free, at);
  const revision = await revisionOf(deps, target, ctx);
  const engine = free.length === 0 ? {} : { engine: (await askEngine(deps, target, free, ctx)).busy };
  const assessing = {
    target,
    provider,
    revision,
    ...(environment.limits.resources === undefined ? {} : { reach: { limit: environment.limits.resources, of: observation.resources } }),
    decide: deps.decide(config),
    hash: hashJson,
  };
  const baseline = free.length === 0 ? {} : await baselineOf(deps, target, ctx);
  const rows = await deps.ledger.closedGates(target, at);
  const inputs = await decisionInputs({ config, target, changes: free, at, ledger: deps.ledger, rows, ...baseline });
  const asking = { config, target, changes: free, at, ledger: deps.ledger, inputs, ...engine };
  let gates = await gateFacts({ ...asking, rows });
  const propose = async (some: readonly Change[], more: { readonly together?: true } = {}): Promise<readonly Proposed[]> => (some.length === 0 ? [] : assessParts({ ...assessing, gates, ...more, inputs: inputs.filter((each) => some.includes(each.change)) }, ctx));
  // What stands was split already: a gate that closed for one of its changes since takes no approval away.
  const { gone, left, told, otherwise } = await standingParts(deps, { input, row, changes: free, quiet, target, revision: assessing.revision, propose: (some) => propose(some, { together: true }) }, ctx);
  for (const { part } of gone) {
    await deps.ledger.updateIncident(input.incident, { part: { part, phase: 'closed' } });
    // Its successor would wait for the end of a repair that is never begun, and count for the budget beside it.
    await unspent(deps, { incident: input.incident, part });
  }
  if (gone.length > 0) gates = await gateFacts(asking);
  const fresh = await propose(left);
  const says = await sayLapsed(deps, { incident: input.incident, target, at, lapsed: lapsed.filter(({ change }) => left.includes(change)) });
  const before = await lapsedParts(deps, input, { gone, otherwise });
  // What the rules allow is asked of nobody, but somebody may break the glass for it.
  const asksPeople = environment.approvals.breakGlass !== undefined || fresh.some((part) => part.decision !== 'remediate');
  const authors = asksPeople && fresh.length > 0 ? await deps.sources.authors(target.source, revision.commit, ctx) : undefined;
  const parts: AssessedPart[] = [];
  // One after the other: each adds itself to the incident's row.
  for (const [index, each] of fresh.entries()) parts.push(await openPart(deps, { input, target, environment, at, number: input.nextPart + index, inputs, before, everything: changes, ...baseline, ...(authors === undefined ? {} : { authors }) }, withLapses(each, says)));
  await deps.ledger.updateIncident(input.incident, { drift: toldText(drift, under), ...(parts.length === 0 ? {} : { risk: highestRisk([...risksLeft(row, gone), ...parts.map((each) => each.risk)]) }) });
  return { gone, parts, ...(told.length === 0 ? {} : { told }), ...(row === undefined || underOf(row) === under ? {} : { isElse: true }), details: [driftMarkdown(changes, observation.skipped.length), ...intentMarkdown(target.intent)].join('\n\n') };
}

/** Of the parts that go on beside those that are new: the incident is as risky as the riskiest of them. */
function risksLeft(row: IncidentRow | undefined, gone: Assessment['gone']): readonly Risk[] {
  const left = (row?.parts ?? []).filter((part) => part['outcome'] === undefined && !gone.some((each) => each.part === part['part']));
  return RISKS.filter((risk) => left.some((part) => part['risk'] === risk));
}

async function changesOf(deps: Dependencies, parts: readonly { readonly plan?: string }[]): Promise<ReadonlySet<string>> {
  const plans = await Promise.all(parts.flatMap((part) => (part.plan === undefined ? [] : [deps.ledger.plan(part.plan)])));
  return new Set(plans.flatMap((plan) => plan?.changes.map((change) => change.fingerprint) ?? []));
}

async function baselineOf(deps: Dependencies, target: Target, ctx: ReadContext): Promise<{ readonly baseline?: HealthVerdict }> {
  if (target.health.length === 0) return {};
  const report = await probeFor(deps, target.health, ctx, { single: true });
  return { baseline: report.verdict };
}

/** A part says first that somebody had accepted what it is about. */
function withLapses(part: Proposed, says: ReadonlyMap<string, string>): Proposed {
  const said = [...new Set(part.changes.flatMap((change) => says.get(change.fingerprint) ?? []))];
  return said.length === 0 ? part : { ...part, reason: [...said.slice(0, MOST_LAPSES), part.reason].join('; ') };
}

async function tellBlind(deps: Dependencies, target: Target, { incident }: AssessInput, observation: Observation): Promise<void> {
  const name = formatIncident(incident);
  await tellAbout(deps, target, {
    event: 'blind',
    subject: name,
    at: deps.now().toISOString(),
    title: `${name}: the target cannot be read`,
    text: `Nothing is known of it, so nothing is repaired and nothing is closed. ${observation.reason ?? ''}`,
    commands: [`holdfast check ${incident.environment}/${incident.target}`],
    key: 'blind',
  });
}
