import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/problem.js';
import { errorOf, type Files, folderWith, lines, loadIn, loadText, minimal, shown } from './support.js';

const MAKE_PIPE = '/usr/bin/mkfifo';

interface Row {
  readonly reason: string;
  readonly config: Files | string;
  /** In what is shown. */
  readonly says: RegExp;
  readonly remedy: RegExp;
  /** Never shown. */
  readonly hides?: string;
}

const base = minimal();
const env = (environment: string) => minimal({ environment });
const target = (text: string) => minimal({ target: text });
const deep = `${base}\ndefaults: ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`;
const bomb = `${base}a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefghi'[index]},`.repeat(9)}]`).join('\n')}\n`;
const people = `principals: { ann: { oidc: ann@example.com }, bob: {} }\ngroups: { sre: [ann, bob] }\n`;
const rules = (text: string, more = people) => minimal({ environment: `approvals: { trust: signed, rules: [${text}] }`, more });

const rows: readonly Row[] = [
  { reason: 'an empty file', config: '', says: /the file is empty/, remedy: /holdfast init/ },
  { reason: 'only comments', config: '# nothing\n', says: /the file is empty/, remedy: /holdfast init/ },
  { reason: 'not UTF-8', config: { 'holdfast.yaml': Uint8Array.from([0x76, 0xff, 0xfe, 0x3a]) }, says: /not UTF-8/, remedy: /save it as UTF-8/ },
  { reason: 'a list instead of keys', config: '- a\n', says: /`key: value` lines/, remedy: /version: 1/ },
  { reason: 'broken YAML', config: 'version: 1\n  project: [a\n', says: /not valid YAML/, remedy: /check indentation/ },
  { reason: 'broken YAML beside a secret', config: 'version: 1\npassword: `hunter2\n', says: /not valid YAML/, remedy: /check/, hides: 'hunter2' },
  { reason: 'two documents', config: 'version: 1\n---\nversion: 1\n', says: /not valid YAML/, remedy: /one document/ },
  { reason: 'a tag that would make an object', config: `${base}policies: !!js/function x\n`, says: /not valid YAML/, remedy: /remove the tag/ },
  { reason: 'an unknown key at the top', config: `${base}enviroments: {}\n`, says: /unknown key "enviroments"/, remedy: /did you mean "environments"/ },
  { reason: 'an unknown key of an environment', config: env('scheduel: "* * * * *"'), says: /unknown key "scheduel" in environments\.dev/, remedy: /did you mean "schedule"/ },
  { reason: 'an unknown key of a target', config: target('halth: []'), says: /unknown key "halth" in targets\.web/, remedy: /did you mean "health"/ },
  { reason: 'an unknown key of a health check', config: target('health: [{ type: tcp, host: a, port: 1, intervall: 2s }]'), says: /unknown key "intervall" in targets\.web\.health\[0\]/, remedy: /did you mean "interval"/ },
  { reason: 'an unknown key of a provider', config: minimal({ spec: 'root: /a, unmanged: remove' }), says: /unknown key "unmanged" in targets\.web\.spec/, remedy: /did you mean "unmanaged"/ },
  { reason: 'a duplicate key', config: `${base}project: other\n`, says: /the key "project" is given twice/, remedy: /keep one/ },
  { reason: 'environments that differ only by case', config: base.replace('  dev: {  }', '  dev: {}\n  DEV: {}'), says: /"DEV" differs from "dev" only by case/, remedy: /lower-case/ },
  ...['../../x', 'a/b', '😀', 'a'.repeat(1_001), '-a', 'a b', 'Ünï', '\u001b[31mred'].map((name): Row => ({
    reason: `an environment named ${JSON.stringify(name.slice(0, 12))}`, config: base.replace('  dev: {  }', `  dev: {}\n  ${JSON.stringify(name)}: {}`), says: /environments: ".*" is not a name/, remedy: /lower-case letters/,
  })),
  { reason: 'an environment named __proto__', config: base.replace('  dev: {  }', '  dev: {}\n  __proto__: { remediation: auto }'), says: /"__proto__" cannot be a key/, remedy: /another name/ },
  { reason: 'a target named a/b', config: base.replace('  web:', '  a/b:'), says: /targets: "a\/b" is not a name/, remedy: /lower-case/ },
  ...['0s', '-5m', '5', '5 minuets', '1.5h', '5M', '999999999d', ''].map((text): Row => ({
    reason: `the duration ${JSON.stringify(text)}`, config: env(`blindAfter: "${text}"`), says: /environments\.dev\.blindAfter: /, remedy: /5m|shorter duration/,
  })),
  { reason: 'a duration that is a number', config: env('blindAfter: 5'), says: /blindAfter: 5 has no unit/, remedy: /30s/ },
  { reason: 'a health interval of zero', config: target('health: [{ type: tcp, host: a, port: 1, interval: 0s }]'), says: /health\[0\]\.interval: "0s" must be longer than zero/, remedy: /5m/ },
  { reason: 'February 30', config: env('schedule: "0 0 30 2 *"'), says: /schedule: "0 0 30 2 \*" names a day that never comes/, remedy: /February 30/ },
  ...['* * * *', '60 * * * *', '@daily', '* * * * * *', 'hello', '*/0 * * * *'].map((text): Row => ({
    reason: `the cron expression ${text}`, config: env(`schedule: { cron: ["${text}"] }`), says: /is not a cron expression/, remedy: /five fields/,
  })),
  ...[['0 9 32 * *', /there is no day of the month 32/], ['0 9 0 * *', /there is no day of the month 0/], ['0 9 1 13 *', /there is no month 13/], ['0 24 * * *', /there is no hour 24/], ['0 9 * * 8', /there is no day of the week 8/]].map(([text, says]): Row => ({
    reason: `the cron expression ${String(text)}, told by its own number`, config: env(`schedule: "${String(text)}"`), says: says as RegExp, remedy: /five fields/,
  })),
  ...['0 9 * * FRI-MON', '0 9 * * 5-1', '0 9 * * monday', '0 9 L * *', '0 9 * * 1#1', '0 9 ? * 1', ''].map((text): Row => ({
    reason: `a window that starts at ${JSON.stringify(text)}`, config: env(`windows: [{ kind: allow, start: "${text}", duration: 5m }]`), says: /windows\[0\]\.start: .*is not a cron expression/, remedy: /five fields/,
  })),
  { reason: 'a window of an action that no window narrows', config: env('windows: [{ kind: deny, start: "0 9 * * *", duration: 5m, actions: [rollback] }]'), says: /"rollback" is not one of stage, finalize/, remedy: /known: "stage"/ },
  { reason: 'a window of no action', config: env('windows: [{ kind: deny, start: "0 9 * * *", duration: 5m, actions: [] }]'), says: /actions: /, remedy: /give more/ },
  { reason: 'a window in an offset instead of a zone', config: env('windows: [{ kind: deny, start: "0 9 * * *", duration: 5m, timezone: "+01:00" }]'), says: /"\+01:00" is not a time zone/, remedy: /Europe\/London/ },
  { reason: 'a schedule that is a number', config: env('schedule: 5'), says: /schedule: expected/, remedy: /\*\/15|forms/ },
  { reason: 'an unknown time zone', config: env('timezone: Europe/Lodnon'), says: /timezone: "Europe\/Lodnon" is not a time zone/, remedy: /Europe\/London/ },
  { reason: 'letters that stand for Bangladesh here and for British summer there', config: env('timezone: BST'), says: /timezone: "BST" is not a time zone: its letters mean several/, remedy: /IANA name/ },
  { reason: 'letters of a zone for a window', config: env('windows: [{ kind: deny, start: "0 9 * * *", duration: 5m, timezone: PST }]'), says: /"PST" is not a time zone/, remedy: /IANA name/ },
  { reason: 'a time zone in the wrong case', config: env('timezone: europe/london'), says: /is not a time zone/, remedy: /did you mean "Europe\/London"/ },
  { reason: 'an offset in place of a time zone', config: env('timezone: "+01:00"'), says: /is not a time zone/, remedy: /IANA/ },
  { reason: 'a quorum larger than the group', config: rules('{ any: [{ group: sre, count: 3 }] }'), says: /3 of "sre" are asked for, which has 2/, remedy: /at most 2/ },
  { reason: 'one person counted twice in a group', config: rules('{ any: [{ group: sre, count: 2 }] }', 'principals: { ann: { oidc: ann@example.com } }\ngroups: { sre: [ann, "oidc:ann@example.com"] }\n'), says: /which has 1/, remedy: /at most 1/ },
  { reason: 'two groups of one person, who would have to be two', config: rules('{ all: [{ group: a }, { group: b }] }', 'principals: { ann: {} }\ngroups: { a: [ann], b: [ann] }\n'), says: /approvals: the people of these groups together are too few/, remedy: /distinct: false/ },
  { reason: 'three places for two people', config: rules('{ all: [{ group: sre, count: 2 }, { group: sre, count: 1 }] }'), says: /together are too few/, remedy: /add people/ },
  { reason: 'distinct without all', config: rules('{ any: [{ group: sre }], distinct: false }'), says: /`distinct` goes with `all`/, remedy: /remove it/ },
  { reason: 'a word in a condition of approvals that no risk is called', config: rules(`{ when: "risk == 'critcal'", any: [{ group: sre }] }`), says: /risk is never "critcal"/, remedy: /did you mean "critical"/ },
  { reason: 'risks in the order of the alphabet', config: rules(`{ when: "risk >= 'high'", any: [{ group: sre }] }`), says: /words have no order/, remedy: /risk in \["high", "critical"\]/ },
  { reason: 'a condition of approvals that looks at one change', config: rules(`{ when: "change.path == 'x'", any: [{ group: sre }] }`), says: /nothing is called "change" here/, remedy: /known/ },
  { reason: 'a rule of approvals that asks nobody', config: rules('{ when: "true" }'), says: /either `any` or `all`/, remedy: /any:/ },
  { reason: 'a group in a group', config: `${base}principals: { ann: {} }\ngroups: { sre: [ann], all: [sre] }\n`, says: /"sre" is not a principal/, remedy: /identity provider/ },
  { reason: 'one sign-in of two people, in other letters', config: `${base}principals: { ann: { oidc: a@b.example }, bob: { oidc: A@B.example } }\n`, says: /principals\.bob has the same sign-in as ann/, remedy: /merge them/ },
  { reason: 'a rule for an unknown group', config: rules('{ any: [{ group: srs }] }'), says: /"srs" is not a group/, remedy: /did you mean "sre"/ },
  { reason: 'a group with an unknown member', config: `${base}principals: { ann: {} }\ngroups: { sre: [anne] }\n`, says: /"anne" is not a principal/, remedy: /did you mean "ann"/ },
  { reason: 'two principals with one key', config: `${base}principals: { a: { keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDyeoThPXKCTSO0fWVXSJ1/gxpBbplahOggpTW/9ZnNm x"] }, b: { keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDyeoThPXKCTSO0fWVXSJ1/gxpBbplahOggpTW/9ZnNm y"] } }\n`, says: /principals\.b has the same key as a/, remedy: /one person is one principal/ },
  { reason: 'one key with two ends, of which the later would hold', config: `${base}principals: { a: { keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDyeoThPXKCTSO0fWVXSJ1/gxpBbplahOggpTW/9ZnNm x", { key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDyeoThPXKCTSO0fWVXSJ1/gxpBbplahOggpTW/9ZnNm y", until: "2030-01-01T00:00:00Z" }] } }\n`, says: /principals\.a\.keys\[1\]: the same key is there twice/, remedy: /keep one of them/ },
  { reason: 'a quorum that nobody could check', config: minimal({ environment: 'approvals: { rules: [{ any: [{ group: sre, count: 2 }] }] }', more: people }), says: /quorum of 2 needs signed approvals/, remedy: /trust: signed/ },
  { reason: 'an `all` rule that nobody could check', config: minimal({ environment: 'approvals: { rules: [{ all: [{ group: sre }] }] }', more: people }), says: /`all` needs signed approvals/, remedy: /trust: signed/ },
  { reason: 'an expiry in the past', config: target('ignore: [{ resource: a, reason: x, until: 2020-01-01 }]'), says: /ignore\[0\]\.until: 2020-01-01 has passed/, remedy: /later date/ },
  { reason: 'an expiry that is no date', config: target('ignore: [{ resource: a, reason: x, until: tomorrow }]'), says: /ignore\[0\]\.until: expected a date/, remedy: /2031-12-31/ },
  { reason: 'a reminder after the expiry', config: env('approvals: { expires: 1h, remind: [2h] }'), says: /remind: 2h comes after the approval has expired \(1h\)/, remedy: /remind earlier/ },
  { reason: 'an alias bomb', config: bomb, says: /expand to too many values/, remedy: /below/ },
  { reason: 'an alias within itself', config: `${base}policies: &a [*a]\n`, says: /points at nothing usable/, remedy: /write the value out/ },
  { reason: 'a file of 50 MB', config: { 'holdfast.yaml': Buffer.alloc(50 * 1024 * 1024, '#') }, says: /52428800 bytes; at most 1048576/, remedy: /include/ },
  { reason: 'depth 10,000', config: deep, says: /nested too deeply/, remedy: /at most 64/ },
  { reason: 'NaN', config: minimal({ spec: 'root: /a, port: .nan' }), says: /".nan" is not a number/, remedy: /finite/ },
  { reason: '1e999', config: minimal({ spec: 'root: /a, port: 1e999' }), says: /"1e999" is not a number/, remedy: /finite/ },
  { reason: 'the word NaN where a number belongs', config: env('limits: { concurrent: NaN }'), says: /limits\.concurrent: expected a (whole )?number, found text/, remedy: /number/ },
  { reason: 'a leading zero that would be lost', config: env('vars: { account: 012345678901 }'), says: /lose its leading zero/, remedy: /quote it/ },
  { reason: 'a number too large to keep', config: env('vars: { account: 12345678901234567890 }'), says: /too large to be kept exactly/, remedy: /quote it/ },
  { reason: 'a webhook secret written out', config: `${base}notifications: { sinks: { ops: { type: webhook, url: "https://example.com/", secret: hunter2 } } }\n`, says: /sinks\.ops\.secret: expected a reference/, remedy: /\$\{env:NAME\}/, hides: 'hunter2' },
  { reason: 'an unknown key beside a secret written out', config: `${base}notifications: { sinks: { ops: { typo: 1, type: webhook, url: "https://example.com/", secret: hunter2 } } }\n`, says: /unknown key "typo"/, remedy: /did you mean "type"/, hides: 'hunter2' },
  { reason: 'a private key written out', config: base.replace('path: ./desired', 'git: "ssh://git@example.com/x.git", auth: { sshKey: "-----BEGIN OPENSSH PRIVATE KEY-----hunter2" }'), says: /sshKey/, remedy: /\$\{file:path\}|forms/, hides: 'hunter2' },
  { reason: 'a token written out', config: base.replace('path: ./desired', 'git: "https://example.com/x.git", auth: { token: hunter2 }'), says: /auth/, remedy: /\$\{/, hides: 'hunter2' },
  { reason: 'a password in an address', config: base.replace('path: ./desired', 'git: "https://me:hunter2@example.com/x.git"'), says: /may not hold a user or password/, remedy: /auth/, hides: 'hunter2' },
  { reason: 'a public key that lost its end', config: `${base}principals: { a: { keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 x"] } }\n`, says: /its bytes are not those of a public key/, remedy: /ssh-keygen -t ed25519/ },
  { reason: 'an RSA key that is too short to trust', config: `${base}principals: { a: { keys: ["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC5TvyEy4hh7u6dTsnAfZy/7ENtfjSFhJynbgePV8MA1ONna5+Y0mgkXyPLdRozvGONqSCSCta6H9cuccQSvvHt4ybT2E5xsDO2eLthReEVEw0IHmHhMb3OeirqTASeZgetxPvw5wTE/bEBaMuPf4H6GM+6z+TT5Nu+Pxjn9Z9y+Q=="] } }\n`, says: /1024 bits is too short/, remedy: /ssh-keygen -t ed25519/ },
  { reason: 'a key of one kind under the name of another', config: `${base}principals: { a: { keys: ["ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIDyeoThPXKCTSO0fWVXSJ1/gxpBbplahOggpTW/9ZnNm"] } }\n`, says: /says ssh-rsa and is ssh-ed25519/, remedy: /ssh-keygen/ },
  { reason: 'a key of a kind that nobody should trust', config: `${base}principals: { a: { keys: ["ssh-dss AAAAB3NzaC1kc3MAAACBAJ"] } }\n`, says: /cannot be used/, remedy: /ssh-keygen/ },
  { reason: 'a key that ends before it begins', config: `${base}principals: { a: { keys: [{ key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDyeoThPXKCTSO0fWVXSJ1/gxpBbplahOggpTW/9ZnNm", from: "2030-02-01T00:00:00Z", until: "2030-01-01T00:00:00Z" }] } }\n`, says: /ends before it begins/, remedy: /after/ },
  { reason: 'a key that ends at no time there is', config: `${base}principals: { a: { keys: [{ key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDyeoThPXKCTSO0fWVXSJ1/gxpBbplahOggpTW/9ZnNm", until: "2030-02-30T00:00:00Z" }] } }\n`, says: /expected a time/, remedy: /2030-01-31T12:00:00Z/ },
  { reason: 'a glass that stays broken for eight years', config: `${base}principals: { a: {} }\ngroups: { sre: [a] }\n`.replace('dev: {  }', 'dev: { approvals: { trust: signed, breakGlass: { group: sre, expires: 3000d } } }'), says: /breakGlass\.expires: is longer than a day/, remedy: /write 30m/ },
  { reason: 'an acceptance until a year that sorts before every other', config: base.replace('targets:\n  web:', 'targets:\n  web:\n    accept: [{ resource: a, by: alice, reason: r, until: "9999-12-31T23:59:59-23:59" }]'), says: /accept\[0\]\.until: expected a date/, remedy: /2031-12-31/ },
  { reason: 'a private key among public ones', config: `${base}principals: { a: { keys: ["-----BEGIN OPENSSH PRIVATE KEY----- hunter2"] } }\n`, says: /not a public SSH key/, remedy: /never belongs here/, hides: 'hunter2' },
  { reason: 'a payload key written out', config: `${base}temporal: { encryption: { keys: [{ id: "2026-11", key: hunter2 }] } }\n`, says: /temporal\.encryption\.keys\[0\]\.key: expected a reference/, remedy: /\$\{env:NAME\}/, hides: 'hunter2' },
  { reason: 'two payload keys of one name', config: `${base}temporal: { encryption: { keys: [{ id: a, key: "\${env:A}" }, { id: a, key: "\${env:B}" }] } }\n`, says: /another key has this name/, remedy: /new one/ },
  { reason: 'encryption without keys', config: `${base}temporal: { encryption: { keys: [] } }\n`, says: /list of keys is empty/, remedy: /leave encryption out/ },
  { reason: 'a secret where values are shown', config: target('owner: "${env:TOKEN}"'), says: /owner: a secret may not be used here/, remedy: /\$\{vars/ },
  { reason: 'a secret outside targets', config: env('owner: "${env:TOKEN}"'), says: /environments\.dev\.owner: \$\{…\} is not replaced here/, remedy: /value itself/ },
  { reason: 'a malformed reference', config: minimal({ spec: 'root: /a, token: "${env:}"' }), says: /is not a reference to a secret/, remedy: /\$\{env:NAME\}/ },
  { reason: 'an unknown variable', config: minimal({ environment: 'vars: { port: 1 }', spec: 'root: "/a/${vars.prot}"' }), says: /targets\.web\.spec\.root: \$\{vars\.prot\} names no variable in dev/, remedy: /did you mean "vars\.port"/ },
  { reason: 'an unclosed variable', config: minimal({ spec: 'root: "/a/${vars.x"' }), says: /not closed/, remedy: /\$\{vars\.name\}/ },
  { reason: 'a variable within a variable', config: minimal({ spec: 'root: "/a/${vars.${environment}}"' }), says: /spec\.root: a `\$\{` is not closed, or another stands inside/, remedy: /do not nest/ },
  { reason: 'a variable that holds a reference', config: env('vars: { a: "${env:TOKEN}" }'), says: /vars\.a: a variable may not hold/, remedy: /not expanded again/ },
  { reason: 'a regular expression as ignore pattern', config: target('ignore: [{ resource: "(a+)+$", reason: x }]'), says: /ignore\[0\]\.resource: "\(a\+\)\+\$" looks like a regular expression/, remedy: /write a glob/ },
  { reason: 'an ignore pattern without end', config: target(`ignore: [{ resource: "${'*a'.repeat(500)}", reason: x }]`), says: /longer than 256/, remedy: /shorter/ },
  { reason: 'a body pattern that is none', config: target('health: [{ type: http, url: "http://a/", expect: { body: "(a" } }]'), says: /expect\.body: "\(a": the pattern is not a regular expression of RE2/, remedy: /simpler/ },
  { reason: 'a body pattern that counts far: a body would be searched for seconds', config: target('health: [{ type: http, url: "http://a/", expect: { body: "(?:x?){900}[yz]" } }]'), says: /expect\.body: .*: the pattern has more than 500 steps/, remedy: /count less/ },
  { reason: 'a back-reference in a body pattern', config: target('health: [{ type: http, url: "http://a/", expect: { body: "(a)\\\\1" } }]'), says: /not a regular expression of RE2/, remedy: /back-references/ },
  { reason: 'the same resource in two targets', config: `${base}  other: { environments: [dev], provider: files, source: { path: ./d }, spec: { root: /srv/dev/ } }\n`, says: /in dev, "\/srv\/dev" is also the root of dev\/web/, remedy: /let one target own/ },
  { reason: 'a root inside another', config: `${base}  other: { environments: [dev], provider: files, source: { path: ./d }, spec: { root: /srv/dev/etc/x } }\n`, says: /"\/srv\/dev\/etc\/x" lies inside the root of dev\/web/, remedy: /let one target own/ },
  { reason: 'auto without a health check', config: env('remediation: auto'), says: /targets\.web: remediation is auto in dev, which needs a health check/, remedy: /add health/ },
  { reason: 'an unknown remediation', config: env('remediation: atuo'), says: /"atuo" is not one of observe, ask, auto/, remedy: /did you mean "auto"/ },
  { reason: 'an unknown class', config: env('remediation: { classes: { metdata: auto } }'), says: /unknown key "metdata" in environments\.dev\.remediation\.classes/, remedy: /did you mean "metadata"/ },
  { reason: 'an unknown key of remediation', config: env('remediation: { defualt: ask }'), says: /unknown key "defualt" in environments\.dev\.remediation/, remedy: /did you mean "default"/ },
  { reason: 'an unknown remediation of a class', config: env('remediation: { classes: { metadata: atuo } }'), says: /metadata: "atuo" is not one of observe, ask, auto/, remedy: /did you mean "auto"/ },
  { reason: 'remediation of a provider that is none', config: env('remediation: { providers: { flies: ask } }'), says: /remediation\.providers\.flies: "flies" is no provider/, remedy: /did you mean "files"/ },
  { reason: 'a share above all', config: env('remediation: { auto: { targets: 101% } }'), says: /this is no share of all targets/, remedy: /write "10%"/ },
  { reason: 'a share of a target that is none', config: env('remediation: { auto: { targets: [wbe] } }'), says: /auto\.targets\.0: "wbe" is not a target of dev/, remedy: /did you mean "web"/ },
  { reason: 'an empty share', config: env('remediation: { auto: { targets: [] } }'), says: /the list is empty/, remedy: /name a target/ },
  { reason: 'a class that is automatic without a health check', config: env('remediation: { classes: { metadata: auto } }'), says: /remediation is auto in dev, which needs a health check/, remedy: /add health/ },
  { reason: 'an unknown threshold', config: `${base}readiness: { auto: { aproved: 3 } }\n`, says: /unknown key "aproved" in readiness\.auto/, remedy: /did you mean "approved"/ },
  { reason: 'a share of more than all', config: `${base}readiness: { auto: { healthy: 120 } }\n`, says: /readiness\.auto\.healthy.*100/, remedy: /give less/ },
  { reason: 'a time that is never counted', config: `${base}readiness: { within: 7d, auto: { over: 14d } }\n`, says: /readiness\.auto\.over: is longer than what is counted/, remedy: /count further back/ },
  { reason: 'an unknown word for the first look', config: env('firstSeen: repiar'), says: /firstSeen: "repiar" is not one of ask, repair/, remedy: /did you mean "repair"/ },
  { reason: 'an unknown provider', config: base.replace('provider: files', 'provider: fiels'), says: /provider: "fiels" is not a provider/, remedy: /did you mean "files"/ },
  { reason: 'an unknown environment in a target', config: base.replace('[dev]', '[dve]'), says: /"dve" is not an environment/, remedy: /did you mean "dev"/ },
  { reason: 'an unknown type of health check', config: target('health: [{ type: htpp, url: "http://a/" }]'), says: /health\[0\]\.type: "htpp" is not one of http, tcp, command/, remedy: /did you mean "http"/ },
  { reason: 'a health check of a file address', config: target('health: [{ type: http, url: "file:///etc/passwd" }]'), says: /begins with http:\/\/ or https:\/\//, remedy: /https/ },
  { reason: 'a command as one text', config: target('health: [{ type: command, command: "curl -f x" }]'), says: /expected a command as a list of words/, remedy: /no shell/ },
  { reason: 'two health checks of one name', config: target('health: [{ type: tcp, name: a, host: a, port: 1 }, { type: tcp, name: a, host: b, port: 1 }]'), says: /a is given twice/, remedy: /name of its own/ },
  { reason: 'no source', config: base.replace('    source: { path: ./desired }\n', ''), says: /targets\.web\.source is missing/, remedy: /add `source`/ },
  { reason: 'a Git address that would run a command', config: base.replace('path: ./desired', 'git: "ext::sh -c id"'), says: /expected the address of a Git repository/, remedy: /https/ },
  { reason: 'a Git address that is an option', config: base.replace('path: ./desired', 'git: "--upload-pack=id"'), says: /expected the address of a Git repository/, remedy: /https/ },
  { reason: 'a ref that is an option', config: base.replace('path: ./desired', 'git: "https://a/b", ref: "--x"'), says: /expected a branch/, remedy: /main/ },
  { reason: 'a path out of the repository', config: base.replace('path: ./desired', 'git: "https://a/b", path: "../x"'), says: /source\.path: expected a path inside/, remedy: /without \.\./ },
  { reason: 'a target after nothing', config: target('after: [wbe]'), says: /after: "wbe" is not a target of dev, nor an environment/, remedy: /did you mean "web"/ },
  { reason: 'a target after itself', config: target('after: [web]'), says: /goes in a circle: dev\/web → dev\/web/, remedy: /remove one/ },
  { reason: 'windows that never open', config: env('windows: [{ kind: allow, start: "0 9 * * 1-5", duration: 8h }, { kind: deny, start: "0 0 * * *", duration: 24h }]'), says: /windows: leave no moment/, remedy: /shorten a deny/ },
  { reason: 'a window that never begins', config: env('windows: [{ kind: allow, start: "0 0 31 4 *", duration: 8h }]'), says: /never comes/, remedy: /day of month/ },
  { reason: 'a jitter longer than the interval', config: env('schedule: { cron: "* * * * *", jitter: 5m }'), says: /jitter: is not shorter than the 1m/, remedy: /shorter/ },
  { reason: 'a route to an unknown sink', config: `${base}notifications: { sinks: { ops: { type: command, command: [a] } }, routes: [{ to: opps }] }\n`, says: /"opps" is not a sink/, remedy: /did you mean "ops"/ },
  { reason: 'a ledger of a kind that is not there', config: `${base}ledger: { mysql: x }\n`, says: /unknown key "mysql" in ledger/, remedy: /sqlite|postgres/ },
  { reason: 'a ledger of no kind', config: `${base}ledger: {}\n`, says: /ledger: expected sqlite or postgres/, remedy: /LEDGER_URL/ },
  { reason: 'a ledger of two kinds', config: `${base}ledger: { sqlite: a.db, postgres: "\${env:X}" }\n`, says: /exclude each other/, remedy: /one of them/ },
  { reason: 'a condition of an approval rule that names nothing', config: `${env('approvals: { rules: [{ when: "rsik == \'critical\'", any: [{ group: sre, count: 1 }] }] }')}principals: { alice: {} }\ngroups: { sre: [alice] }\n`, says: /environments\.dev\.approvals\.rules\[0\]\.when: nothing is called "rsik" here/, remedy: /did you mean "risk"/ },
  { reason: 'a condition of an approval rule that is no condition', config: `${env('approvals: { rules: [{ when: "risk", any: [{ group: sre, count: 1 }] }] }')}principals: { alice: {} }\ngroups: { sre: [alice] }\n`, says: /when: gives string, not true or false/, remedy: /compare it/ },
  { reason: 'an artifact key where a list belongs', config: `${base}artifacts: { postgres: "\${env:A}", keys: { dev: hunter2 } }\n`, says: /artifacts\.keys\.dev: expected a list of references/, remedy: /file:keys/, hides: 'hunter2' },
  { reason: 'an artifact key where environments belong', config: `${base}artifacts: { postgres: "\${env:A}", keys: [hunter2] }\n`, says: /artifacts\.keys: expected keys with values/, remedy: /key: value/, hides: 'hunter2' },
  { reason: 'no artifact key', config: `${base}artifacts: { postgres: "\${env:A}", keys: { dev: [] } }\n`, says: /the list of keys is empty/, remedy: /name a key/ },
  { reason: 'a payload key by its name', config: `${base}temporal: { encryption: { keys: { a: hunter2 } } }\n`, says: /keys: expected a list of keys/, remedy: /id: "2026-11"/, hides: 'hunter2' },
  { reason: 'a payload key without the list', config: `${base}temporal: { encryption: { key: hunter2 } }\n`, says: /unknown key "key"/, remedy: /did you mean "keys"/, hides: 'hunter2' },
  { reason: 'a payload key beside another mistake in its line', config: `${base}temporal: { encryption: { keys: [{ id: a, key: hunter2 }] }, typo: 1 }\n`, says: /unknown key "typo" in temporal/, remedy: /known/, hides: 'hunter2' },
  { reason: 'a key written twice', config: `${base}artifacts: { postgres: "\${env:A}", keys: { dev: ["aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ="], dev: [] } }\n`, says: /given twice/, remedy: /keep one/, hides: 'aHVudGVy' },
  { reason: 'a signing key under another spelling', config: `${base}ledger: { postgres: "\${env:A}", signing_key: hunter2 }\n`, says: /unknown key "signing_key"/, remedy: /signingKey/, hides: 'hunter2' },
  { reason: 'the URL of the ledger with its password', config: `${base}ledger: { postgres: "postgres://shop:hunter2@db/x" }\n`, says: /ledger\.postgres: expected a reference to a secret/, remedy: /env:NAME/, hides: 'hunter2' },
  { reason: 'a signing key as it is', config: `${base}ledger: { postgres: "\${env:X}", signingKey: "hunter2" }\n`, says: /ledger\.signingKey: expected a reference/, remedy: /file:path/, hides: 'hunter2' },
  { reason: 'a signing key for a ledger that makes its own', config: `${base}ledger: { sqlite: a.db, signingKey: "\${file:k}" }\n`, says: /ledger\.signingKey: goes with postgres only/, remedy: /remove it/ },
  { reason: 'the URL of the artifacts with its password', config: `${base}artifacts: { postgres: "postgres://shop:hunter2@db/x", keys: { dev: ["\${env:K}"] } }\n`, says: /artifacts\.postgres: expected a reference/, remedy: /env:NAME/, hides: 'hunter2' },
  { reason: 'an artifact key as it is', config: `${base}artifacts: { postgres: "\${env:X}", keys: { dev: [hunter2] } }\n`, says: /artifacts\.keys\.dev\[0\]: expected a reference/, remedy: /env:NAME/, hides: 'hunter2' },
  { reason: 'an environment without an artifact key', config: `${base}artifacts: { postgres: "\${env:X}" }\n`, says: /artifacts\.keys: dev has no key/, remedy: /openssl rand/ },
  { reason: 'an artifact key of no environment', config: `${base}artifacts: { postgres: "\${env:X}", keys: { dev: ["\${env:K}"], dve: ["\${env:K}"] } }\n`, says: /"dve" is not an environment/, remedy: /did you mean "dev"/ },
  { reason: 'a policy that is not there', config: `${base}policies: ["./policies/*.yaml"]\n`, says: /policies\[0\]: no file matches/, remedy: /correct it/ },
  { reason: 'an include that is not there', config: `${base}include: ["./teams/*/holdfast.yaml"]\n`, says: /include\[0\]: no file matches/, remedy: /correct it/ },
  { reason: 'another version', config: base.replace('version: 1', 'version: 2'), says: /version: expected 1/, remedy: /version: 1/ },
  { reason: 'no version', config: base.replace('version: 1\n', ''), says: /version is missing/, remedy: /version: 1/ },
  { reason: 'no environments', config: 'version: 1\nproject: a\n', says: /environments: none is defined/, remedy: /dev/ },
  { reason: 'environments that are a list', config: 'version: 1\nproject: a\nenvironments: [dev]\n', says: /environments: expected names/, remedy: /below environments/ },
];

describe('a mistake is said in a line, with its field and its remedy', () => {
  test.each(rows)('$reason', async ({ config, says, remedy, hides }) => {
    const error = await errorOf(config);
    const text = lines(error);
    const found = error.problems.find((problem) => says.test(problem.message));
    expect(found, text.join('\n')).toBeDefined();
    expect(found?.remedy).toMatch(remedy);
    for (const problem of error.problems) {
      expect(problem.message.length).toBeLessThan(400);
      expect(`${problem.message}${problem.remedy}`).not.toMatch(/[\n\u001b]/);
    }
    if (hides !== undefined) expect(`${shown(error)}${error.message}${JSON.stringify(error)}`).not.toContain(hides);
  });

  test.each(rows.filter((row) => typeof row.config === 'string' && row.config.length < 5_000))('no other problem is made up: $reason', async ({ config }) => {
    expect((await errorOf(config)).problems.length).toBeLessThanOrEqual(3);
  });
});

describe('files that are none', () => {
  test.each<{ reason: string; make: (path: string) => void; says: RegExp }>([
    { reason: 'a folder', make: (path) => mkdirSync(path), says: /this is a folder/ },
    { reason: 'a pipe, without waiting for a writer', make: (path) => { execFileSync(MAKE_PIPE, [path]); }, says: /pipe, socket or device/ },
    { reason: 'nothing', make: () => undefined, says: /no such file/ },
  ])('$reason', async ({ make, says }) => {
    const folder = folderWith({});
    make(join(folder, 'holdfast.yaml'));
    const error = await loadIn(folder).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems[0]?.message).toMatch(says);
  });

  test.skipIf(process.getuid?.() === 0)('an unreadable file', async () => {
    const folder = folderWith(base);
    chmodSync(join(folder, 'holdfast.yaml'), 0);
    await expect(loadIn(folder)).rejects.toThrow(/cannot be read \(EACCES\)/);
  });
});

describe('what looks odd and is fine', () => {
  test.each([
    { reason: 'a byte order mark', text: `\ufeff${base}` },
    { reason: 'Windows line ends', text: base.replaceAll('\n', '\r\n') },
    { reason: 'an alias', text: base.replace('dev: {  }', 'dev: { vars: { a: &a x, b: *a } }') },
    { reason: 'an unset ${env:…}: only its form is checked', text: minimal({ spec: 'root: /a, token: "${env:NOT_SET_ANYWHERE}"' }) },
    { reason: 'an environment named constructor', text: base.replace('  dev: {  }', '  dev: {}\n  constructor: {}') },
    { reason: 'a leap day', text: env('schedule: "0 0 29 2 *"') },
    { reason: 'a glob of dot files', text: target('ignore: [{ resource: "**/.*", reason: x }, { resource: "a[!b]/{c,d}?", path: "/x/*", reason: y }]') },
  ])('$reason', async ({ text }) => {
    await expect(loadText(text)).resolves.toMatchObject({ project: 'shop' });
  });
});
