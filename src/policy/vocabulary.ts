import type { Change, ChangeKind } from '../domain/change.js';
import { CLASSES } from '../domain/deciding/class.js';
import { OUTCOMES } from '../domain/phase.js';
import type { Fencing, RollbackKind, StagingKind } from '../domain/plan.js';
import { REMEDIATIONS } from '../domain/deciding/remediation.js';
import { RISKS } from '../domain/deciding/risk.js';
import { createVocabulary, type Field, type Input } from './condition.js';

const text = (meaning: string): Field => ({ type: 'string', meaning });
const whole = (meaning: string): Field => ({ type: 'int', meaning });
const amount = (meaning: string): Field => ({ ...whole(meaning), range: [0, Number.POSITIVE_INFINITY] });
const truth = (meaning: string): Field => ({ type: 'bool', meaning });
/** A text that is one of these words. */
const word = (words: readonly string[], meaning: string): Field => ({ ...text(meaning), words });
const between = (least: number, most: number, meaning: string): Field => ({ ...whole(meaning), range: [least, most] });
const any = (meaning: string): Field => ({ type: 'dyn', meaning });

const RISK = word(RISKS, '`low`, `medium`, `high` or `critical`, by the formula');
const CLASS = word(CLASSES, `what kind of thing changes: ${CLASSES.map((each) => `\`${each}\``).join(', ')}`);

const environment = {
  meaning: 'The environment.',
  fields: {
    name: text('`prod`'),
    owner: text('who owns it'),
    remediation: word(REMEDIATIONS, '`observe`, `ask` or `auto`, as the environment says'),
    timezone: text('its time zone, `Europe/London`'),
    production: truth('people depend on it: as its `production` says; where that says nothing, it is called `prod`, `production` or `live`, or begins or ends so (`prod-eu`)'),
  },
} as const;

const target = {
  meaning: 'The target.',
  fields: {
    name: text('`storefront`'),
    address: text('`prod/storefront`'),
    provider: text('`files`, `opentofu`, `kubernetes`, `postgres`, `exec`'),
    pool: text('where its work runs'),
    owner: text('who owns it'),
    remediation: word(REMEDIATIONS, '`observe`, `ask` or `auto`, as it holds for the class of the change in this target'),
    health: truth('it has a health check'),
  },
} as const;

const intent = {
  meaning: 'What the target is for, as its `intent` says.',
  fields: {
    purpose: text('in a line'),
    tier: text('how much depends on it: `critical`, …'),
    runbook: text('where to read on'),
    horizon: text('until when it is needed'),
    stakeholders: any('who is concerned: text or a list'),
    other: any('all of `intent`, with the keys of your own'),
  },
} as const;

const plan = {
  meaning: 'The repair that is planned for the part. A rule that reads it is asked once there is one.',
  fields: {
    creates: amount('how many resources it creates'),
    updates: amount('how many it updates in place'),
    replaces: amount('how many it replaces'),
    deletes: amount('how many it deletes'),
    resources: amount('how many resources it touches'),
    staging: word(['shadow', 'transaction', 'saved-plan', 'canary', 'dry-run'] satisfies readonly StagingKind[], '`shadow`, `transaction`, `saved-plan`, `canary` or `dry-run`'),
    rollback: word(['exact', 'previous-revision', 'forward-only'] satisfies readonly RollbackKind[], '`exact`, `previous-revision` or `forward-only`'),
    fencing: word(['conditional', 'none'] satisfies readonly Fencing[], '`conditional` or `none`'),
  },
} as const;

const change = {
  meaning: 'The change that is decided.',
  fields: {
    resource: text('the addressable thing, in the engine\'s words: `etc/app.yaml`, `Deployment/shop/api`'),
    type: text('its type: `file`, `Deployment`, `aws_security_group`, `role`'),
    path: text('where in it: a JSON Pointer (`/spec/replicas`), `@mode`, or empty for all of it'),
    kind: word(['changed', 'missing', 'unmanaged'] satisfies readonly ChangeKind[], '`changed`, `missing` or `unmanaged`'),
    effect: word(['create', 'update', 'replace', 'delete'] satisfies readonly Change['effect'][], 'what its repair does: `create`, `update`, `replace` or `delete`'),
    class: CLASS,
    desired: any('the value it should have; `null` when there is none or it is sensitive'),
    actual: any('the value it has; `null` when there is none or it is sensitive'),
    sensitive: truth('its values are secret, and nobody sees them'),
    by: text('who made it; empty where the engine does not know'),
  },
} as const;

const history = {
  meaning: 'What is remembered of the change.',
  fields: {
    recurrence: amount('how many incidents have held it before'),
    lastOutcome: word([...OUTCOMES, ''], 'how the last of them ended: `fixed`, `rolled-back`, …; empty when there was none'),
    age: { type: 'duration', meaning: 'how long ago it was first seen' },
    firstLook: truth('it stood there when the target was looked at for the first time'),
  },
} as const;

const time = {
  meaning: 'When it is decided.',
  fields: {
    now: { type: 'timestamp', meaning: 'the time' },
    hour: between(0, 23, '0 to 23, in the time zone of the environment'),
    weekday: between(1, 7, '1 (Monday) to 7 (Sunday), in the time zone of the environment'),
  },
} as const;

/** What the conditions of rules may look at. */
export const RULE_INPUT = { change, plan, environment, target, intent, history, time, risk: RISK } as const satisfies Input;

/** What `approvals.rules[].when` may look at: a part with its plan. */
export const APPROVAL_INPUT = { risk: RISK, class: { ...CLASS, meaning: `the most serious class of the part: ${CLASSES.map((each) => `\`${each}\``).join(', ')}` }, plan, environment, target, intent } as const satisfies Input;

export const RULES = createVocabulary(RULE_INPUT);
export const APPROVALS = createVocabulary(APPROVAL_INPUT);
