import { describe, expect, it } from 'vitest';
import { isSecretName, redactOutput, redactText } from '../../../src/providers/files/secrets.js';

describe('what looks like a secret', () => {
  it.each([
    ['password', true], ['DB_PASSWORD', true], ['apiKey', true], ['client-secret', true], ['private.key', true], ['accessToken', true], ['pwd', true],
    ['pool', false], ['keyboard', false], ['compass', false], ['author', false], ['monkey', false],
  ])('the name %s: %s', (name, secret) => {
    expect(isSecretName(name)).toBe(secret);
  });

  it.each([
    { text: 'password = hunter2', reason: 'an assignment' },
    { text: '  "api_key": "hunter2",', reason: 'JSON' },
    { text: 'export TOKEN=hunter2', reason: 'a shell' },
    { text: 'requirepass x\npassword hunter2', reason: 'a directive' },
    { text: '<password>hunter2</password>', reason: 'XML' },
    { text: 'listen 80; auth_token=hunter2; x=1', reason: 'within a line' },
    { text: 'password: |\n  hunter2\n  hunter2\nnext: 1', reason: 'a block' },
    { text: '-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----', reason: 'a key' },
    { text: 'url = postgres://app:hunter2@db/shop', reason: 'an address with a password' },
    { text: '-db_password: hunter2', reason: 'a line of a diff' },
    { text: `x ${'y'.repeat(5000)} password=hunter2`, reason: 'a line that is too long to be looked at' },
  ])('$reason is taken out', ({ text }) => {
    const redacted = redactText(text);
    expect(redacted.text).not.toContain('hunter2');
    expect(redacted.secrets.join()).toContain('hunter2');
  });

  it('what is no secret stays', () => {
    const text = 'server {\n  listen 80;\n  root /srv;\n}\n';
    expect(redactText(text)).toEqual({ text, secrets: [] });
  });

  it('the words of a command are shown without what is known to be secret', () => {
    expect(redactOutput('line 1\nunexpected hunter2 near port\n', ['"hunter2",'])).toBe('unexpected (redacted) near port');
  });
});
