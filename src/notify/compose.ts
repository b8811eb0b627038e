import type { Intent } from '../domain/deciding/intent.js';
import type { HashJson, JsonObject } from '../domain/json.js';
import { oneLine, plainText } from '../domain/plain-text.js';
import type { OutboxMessage } from '../ledger/ledger.js';
import { chatCode, forChat, forHtml, forMarkdown, markdownCode } from './escape.js';
import type { Notice } from './sink.js';

const TITLE_LIMIT = 200;
const TEXT_LIMIT = 8000;
const COMMAND_LIMIT = 500;
const COMMANDS = 10;
const TEXT_OF_INTENT = 500;

export interface ComposeInput {
  readonly notice: Notice;
  /** Names of the sinks that `sinksFor` chose. */
  readonly sinks: readonly string[];
  readonly project: string;
  readonly hash: HashJson;
  /** Tells notices of the same event and subject apart, the same on every retry of the step that tells; the notice's time otherwise. */
  readonly key?: string;
}

/**
 * One message per sink. The delivery id depends on event, subject, key and sink alone, so that a
 * step which runs twice tells once. `subject` names the one message that all notices of an incident
 * update, and a later one has a larger `sequence` (milliseconds since 1970).
 */
export function compose({ notice, sinks, project, hash, key }: ComposeInput): readonly OutboxMessage[] {
  const body = bodyOf(notice, project);
  const { event, subject, at } = notice;
  return sinks.map((sink) => ({
    id: `msg_${hash({ event, subject, key: key ?? at, sink }).slice(0, 32)}`,
    sink,
    event,
    subject,
    at,
    body,
    attempts: 0,
    nextAt: at,
  }));
}

function bodyOf(notice: Notice, project: string): JsonObject {
  const { event, subject, environment, target, owner, risk, intent, at, outcome } = notice;
  const title = oneLine(notice.title, TITLE_LIMIT);
  const text = cut(plainText(notice.text), TEXT_LIMIT);
  const commands = notice.commands.slice(0, COMMANDS).map((command) => oneLine(command, COMMAND_LIMIT));
  return {
    version: 1,
    project,
    event,
    subject,
    sequence: Date.parse(at),
    environment,
    ...(target === undefined ? {} : { target }),
    ...(owner === undefined ? {} : { owner }),
    ...(risk === undefined ? {} : { risk }),
    ...(intent === undefined ? {} : { intent: intentOf(intent) }),
    ...(outcome === undefined ? {} : { outcome }),
    at,
    title,
    text,
    commands,
    rendered: rendered({ title, text, commands }),
  };
}

/** Its own members, each bounded: what rules read beside them may be of any size. */
function intentOf({ purpose, stakeholders, tier, horizon, runbook }: Intent): JsonObject {
  const texts = Object.entries({ purpose, tier, horizon, runbook }).flatMap(([name, said]): [string, string][] => (said === undefined ? [] : [[name, oneLine(said, TEXT_OF_INTENT)]]));
  return { ...Object.fromEntries(texts), ...(stakeholders === undefined ? {} : { stakeholders: stakeholders.map((each) => oneLine(each, TEXT_OF_INTENT)) }) };
}

/** The same in the words of those who show it, already escaped: a receiver passes one on and escapes nothing. */
function rendered({ title, text, commands }: { readonly title: string; readonly text: string; readonly commands: readonly string[] }): JsonObject {
  const pasted = commands.join('\n');
  return {
    markdown: [`**${forMarkdown(title)}**`, forMarkdown(text), ...(pasted === '' ? [] : [markdownCode(pasted)])].join('\n\n'),
    chat: [`*${forChat(title)}*`, forChat(text), ...(pasted === '' ? [] : [chatCode(pasted)])].join('\n'),
    html: `<p><b>${forHtml(title)}</b></p><pre>${forHtml(text)}</pre>${pasted === '' ? '' : `<pre>${forHtml(pasted)}</pre>`}`,
  };
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}
