import { plainText } from '../domain/plain-text.js';

/** For Markdown: no markup, no link, no HTML, no mention. Lines stay. */
export function forMarkdown(text: string): string {
  return withoutMentions(plainText(text)).replace(/[&<>]/g, entity).replace(/[\\`*_{}[\]()#+\-.!|~:]/g, '\\$&');
}

/** A code block of Markdown that its content cannot end. What is in it can be pasted as it is. */
export function markdownCode(text: string): string {
  return `\`\`\`\n${plainText(text).replace(/`(?=``)/g, '`\u200b')}\n\`\`\``;
}

/** The same for chat, which reads `<!channel>` inside code too. */
export function chatCode(text: string): string {
  return markdownCode(text).replace(/[&<>]/g, entity);
}

/** For chat in the manner of Slack: `<!channel>` and `<@U1>` are text, `@here` calls nobody, `*` and `_` style nothing. */
export function forChat(text: string): string {
  return withoutMentions(plainText(text)).replace(/[&<>]/g, entity).replace(/[*_~`]/g, '$&\u200b');
}

/** For HTML text and quoted attributes. */
export function forHtml(text: string): string {
  return plainText(text).replace(/[&<>"']/g, entity);
}

/** An invisible mark after the at-sign: reads the same, and names nobody. */
function withoutMentions(text: string): string {
  return text.replace(/@(?=\S)/g, '@\u200b');
}

function entity(character: string): string {
  return ENTITIES[character] ?? character;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
