import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/program.js';
import { HoldfastError } from '../../src/domain/errors.js';
import { cli, config, connected, fakeDeps, incident, recorded, text } from './support.js';

describe('bad input is refused in a line or two, with the right code and no stack', () => {
  const rows: readonly { readonly reason: string; readonly argv: readonly string[]; readonly says: RegExp; readonly code?: number }[] = [
    { reason: 'a mistyped command names the nearest', argv: ['chekc'], says: /unknown command 'chekc'[\s\S]*Did you mean check\?/ },
    { reason: 'an unknown option is named', argv: ['check', '--bogus'], says: /unknown option '--bogus'/ },
    { reason: 'a mistyped option names the nearest', argv: ['check', '--remot'], says: /Did you mean --remote\?/ },
    { reason: 'a flag given twice is not silently the second', argv: ['check', '--data-dir', 'a', '--data-dir', 'b'], says: /--data-dir is given twice/ },
    { reason: 'an argument too many', argv: ['check', 'prod', 'dev'], says: /too many arguments/ },
    { reason: 'a missing argument is named', argv: ['plan'], says: /missing required argument 'address'/ },
    { reason: 'a format that is none', argv: ['check', '-o', 'yaml'], says: /Allowed choices are table, json, markdown/ },
    { reason: 'markdown where there is none', argv: ['status', '-o', 'markdown'], says: /holdfast status does not print markdown/ },
    { reason: 'a duration with a mistyped unit', argv: ['check', '--timeout', '5 minuets'], says: /Write a duration such as/ },
    { reason: 'a duration of nothing', argv: ['check', '--timeout', '0s'], says: /Write a duration such as/ },
    { reason: 'a negative duration', argv: ['check', '--timeout', '-5m'], says: /duration/ },
    { reason: 'an exit code that no process has', argv: ['check', '--drift-exit-code', '256'], says: /from 0 to 255/ },
    { reason: 'an address that climbs', argv: ['check', '../../x'], says: /\.\.\/\.\.\/x is not an address/ },
    { reason: 'an address in capitals', argv: ['check', 'Prod'], says: /is not an address/ },
    { reason: 'an address that steers the terminal', argv: ['check', 'prod\u001b[31m'], says: /prod\\x1b\[31m is not an address/ },
    { reason: 'an address of a prototype', argv: ['check', '__proto__'], says: /is not an address/ },
    { reason: 'an unknown environment names the nearest', argv: ['check', 'prd'], says: /no environment prd[\s\S]*Did you mean prod\?/ },
    { reason: 'an unknown target names the nearest', argv: ['check', 'prod/storefrnt'], says: /Did you mean prod\/storefront\?/ },
    { reason: 'an environment where a target is needed', argv: ['plan', 'prod'], says: /prod is an environment[\s\S]*prod\/TARGET/ },
    { reason: 'an incident that is none', argv: ['incident', 'prod/storefront#0'], says: /is not an incident/ },
    { reason: 'no record yet', argv: ['incidents'], says: /no record yet[\s\S]*holdfast up/ },
    { reason: 'a plan hash too short to have been reviewed', argv: ['approve', 'prod/storefront', '--plan', '3f9ac2d'], says: /at least 8 characters/ },
    { reason: 'a rejection without a reason', argv: ['reject', 'prod/storefront'], says: /--reason is missing/ },
    { reason: 'an empty reason', argv: ['reject', 'prod/storefront', '--reason', '  '], says: /Say why/ },
    { reason: 'a reason of a whole page, told without the page', argv: ['reject', 'prod/storefront', '--reason', 'x'.repeat(50_000)], says: /^.{300,600}Use at most 1000 characters\.\n/ },
    { reason: 'an acceptance without an end', argv: ['accept', 'prod/storefront', '--reason', 'x'], says: /--until is missing/ },
    { reason: 'an acceptance that has ended', argv: ['accept', 'prod/storefront', '--reason', 'x', '--until', '2020-01-01'], says: /lies in the past/ },
    { reason: '30 February', argv: ['accept', 'prod/storefront', '--reason', 'x', '--until', '2031-02-30'], says: /neither a duration nor a time/ },
    { reason: 'a path without its resource', argv: ['accept', 'prod/storefront', '--reason', 'x', '--until', '1h', '--path', '/a'], says: /--path is given without --resource/ },
    { reason: 'a freeze of nothing', argv: ['freeze', '--reason', 'x'], says: /nothing is named/ },
    { reason: 'a freeze of one and of all', argv: ['freeze', 'prod', '--all', '--reason', 'x'], says: /both prod and --all/ },
    { reason: 'a gate that nobody releases', argv: ['release', 'prod', '--gate', 'window', '--reason', 'x'], says: /Allowed choices are quarantine/ },
    { reason: 'a worker for a pool that is not there', argv: ['worker', '--pool', 'mars'], says: /no pool mars[\s\S]*dev, prod/ },
    { reason: 'a sink that is not there', argv: ['notify', 'test', 'pager'], says: /no notification sink|no sink pager/ },
    { reason: 'a shell that is not known', argv: ['completion', 'tcsh'], says: /Allowed choices are bash, zsh, fish/ },
    { reason: 'an open incident has no outcome', argv: ['incidents', '--open', '--outcome', 'fixed'], says: /--open is given with/ },
    { reason: 'a port that no machine has', argv: ['up', '--port', '70000'], says: /from 1 to 65535/ },
  ];

  it.each(rows)('$reason', async ({ argv, says, code }) => {
    const ran = await cli(argv);
    expect(ran.err).toMatch(says);
    expect(ran.code).toBe(code ?? 1);
    expect(ran.out).toBe('');
    expect(ran.err.trimEnd().split('\n').length).toBeLessThanOrEqual(4);
    expect(ran.err).not.toMatch(/ {2}at |node:internal/);
  });
});

describe('help', () => {
  it('is not data when nothing was asked: it goes to standard error and fails, so that a script does not take it for clean', async () => {
    const ran = await cli([]);
    expect(ran.code).toBe(1);
    expect(ran.out).toBe('');
    expect(ran.err).toContain('Usage: holdfast');
  });

  it('is data when it was asked for', async () => {
    const ran = await cli(['check', '--help']);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('holdfast check prod/storefront');
    expect(ran.out).toContain('--data-dir');
    expect(ran.err).toBe('');
  });

  it('exists with an example for every command', async () => {
    const commands = 'init up status check plan incidents incident approve reject adopt rollback retry accept freeze unfreeze release changes report schedules policy audit notify worker config doctor completion'.split(' ');
    for (const command of commands) {
      const ran = await cli([command, '--help']);
      expect(ran.code, command).toBe(0);
      expect(ran.out, command).toContain(`$ `);
    }
    expect((await cli(['--help'])).out.match(/^ {2}[a-z]+/gm)?.map((line) => line.trim()).filter((name) => name !== 'help').sort()).toEqual([...commands].sort());
  });
});

describe('help of a subcommand', () => {
  it.each(['audit export', 'audit verify', 'config validate', 'config schema', 'config print', 'schedules list', 'schedules sync', 'schedules pause', 'schedules resume', 'schedules trigger', 'notify test', 'policy test', 'policy explain', 'policy replay'])('%s has an example of its own', async (name) => {
    expect((await cli([...name.split(' '), '--help'])).out).toContain(`$ holdfast ${name}`);
  });
});

describe('errors', () => {
  it('say the message and the remedy of a failure, and no stack', async () => {
    const ran = await cli(['check'], { deps: { loadConfig: () => Promise.reject(new HoldfastError('Unreachable', 'the ledger is held', { remedy: 'end the other process' })) } });
    expect(ran).toEqual({ code: 1, out: '', err: 'holdfast: the ledger is held\nend the other process\n' });
  });

  it('say that a disk is full in words, whatever calls and codes it is wrapped in', async () => {
    const cause = Object.assign(new Error('13 INTERNAL: UpdateWorkflowExecution: database or disk is full (13)'), { code: 13 });
    const ran = await cli(['check'], { deps: { loadConfig: () => Promise.reject(new Error('Failed to signal workflow', { cause })) } });
    expect(ran).toMatchObject({ code: 1, err: text("the disk under Temporal's database is full") });
    expect(ran.err).not.toMatch(/INTERNAL|UpdateWorkflowExecution/);
  });

  it('show where they came from with --debug', async () => {
    const cause = new Error('inner\u001b[2J');
    const ran = await cli(['check', '--debug'], { deps: { loadConfig: () => Promise.reject(new Error('outer', { cause })) } });
    expect(ran.err).toMatch(/holdfast: outer[\s\S]* at [\s\S]*caused by Error: inner\\x1b\[2J/);
  });

  it('print a configuration error as its own formatter does, with caret and all', async () => {
    const ran = await cli(['config', 'validate'], {
      deps: { loadConfig: () => Promise.reject(new HoldfastError('Invalid', 'x')), formatConfigError: () => 'holdfast.yaml:3:5: unknown key "scedule"\n  3 | scedule:\n    | ^\n  did you mean "schedule"?' },
    });
    expect(ran.err).toContain('holdfast.yaml:3:5: unknown key "scedule"\n');
    expect(ran.err).toContain('    | ^\n');
    expect(ran.code).toBe(1);
  });

  it('name a system error without its stack', async () => {
    const error = Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: 'EACCES', path: '/x' });
    const ran = await cli(['check'], { deps: { loadConfig: () => Promise.reject(error) } });
    expect(ran.err).toMatch(/^holdfast: \/x may not be opened by this user\n/);
  });
});

describe('no configuration', () => {
  it('says how to write one', async () => {
    let err = '';
    const io = {
      out: () => Promise.resolve(), err: (line: string) => { err += line; }, outTty: false, errTty: false, columns: 80, env: {}, cwd: '/nowhere/at/all',
      user: undefined, signal: new AbortController().signal, now: () => new Date(0), sleep: () => Promise.resolve(),
    };
    expect(await run(['check'], io, fakeDeps())).toBe(1);
    expect(err).toMatch(/no holdfast\.yaml in \/nowhere\/at\/all[\s\S]*holdfast init/);
  });
});

describe('who decides', () => {
  it('must be named where the system knows no user', async () => {
    const ran = await cli(['reject', 'prod/storefront', '--reason', 'x'], { io: { user: undefined }, deps: recorded({ incident: () => Promise.resolve(incident()) }) });
    expect(ran).toMatchObject({ code: 1, err: text('--by NAME') });
  });

  it('is the user of the system otherwise, and shown as unverified', async () => {
    const ran = await cli(['freeze', 'prod', '--reason', 'release'], {
      deps: { loadConfig: () => Promise.resolve(config()), ...connected({ command: (_environment, command) => Promise.resolve({ ok: true, message: `frozen by ${command.by}` }) }) },
    });
    expect(ran).toEqual({ code: 0, out: 'frozen by alice\n', err: '' });
  });
});
