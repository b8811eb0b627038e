import { describe, expect, it } from 'vitest';
import type { AssessedPart, Deps } from '../../src/cli/deps.js';
import type { Observation } from '../../src/domain/change.js';
import type { IncidentRow } from '../../src/ledger/ledger.js';
import { change, cli, config, connected, HASH, incident, json, list, observation, plan, recorded, target, text } from './support.js';

type Found = Readonly<Record<string, Observation | Error>>;

/** Each target answers as told; one that is not named is as desired. */
function looking(found: Found): Pick<Deps, 'look'> {
  return {
    look: ({ target: { environment, target: name } }) => {
      const answer = found[`${environment}/${name}`] ?? observation([]);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
}

const DRIFTED = observation([change()]);
const UNKNOWN = observation([], { verdict: 'unknown', reason: 'the folder cannot be read', resources: 0 });

describe('the exit code of a check', () => {
  const rows: readonly { readonly reason: string; readonly found: Found; readonly argv?: readonly string[]; readonly code: number }[] = [
    { reason: 'all as desired', found: {}, code: 0 },
    { reason: 'drift', found: { 'prod/api': DRIFTED }, code: 2 },
    { reason: 'could not tell', found: { 'prod/api': UNKNOWN }, code: 3 },
    { reason: 'could not tell comes before drift', found: { 'prod/api': UNKNOWN, 'dev/storefront': DRIFTED }, code: 3 },
    { reason: 'an error comes before could not tell', found: { 'prod/api': UNKNOWN, 'dev/storefront': new Error('broken') }, code: 1 },
    { reason: 'drift under a code of one\'s own', found: { 'prod/api': DRIFTED }, argv: ['--drift-exit-code', '7'], code: 7 },
    { reason: 'drift that is no failure', found: { 'prod/api': DRIFTED }, argv: ['--drift-exit-code', '0'], code: 0 },
    { reason: 'could not tell also comes before drift under a code of one\'s own', found: { 'prod/api': UNKNOWN, 'dev/storefront': DRIFTED }, argv: ['--drift-exit-code', '7'], code: 3 },
    { reason: 'only what was asked about counts', found: { 'prod/api': DRIFTED }, argv: ['dev'], code: 0 },
  ];

  it.each(rows)('$reason: $code', async ({ found, argv = [], code }) => {
    expect((await cli(['check', ...argv], { deps: looking(found) })).code).toBe(code);
  });
});

describe('what a check prints', () => {
  it('is a table and then each change, what should be and what is', async () => {
    const secret = change({ path: '/password', sensitive: true });
    const extra = change({ resource: 'etc/extra', kind: 'unmanaged', path: '', effect: 'delete' });
    const text = change({ resource: 'etc/motd', path: '@content', text: '@@ -1 +1 @@\n-hello\n+hacked\n' });
    const found = observation([change({ by: 'bob' }), { ...secret, desired: undefined, actual: undefined }, extra, text]);
    const ran = await cli(['check', 'prod'], { deps: looking({ 'prod/storefront': found }) });
    expect(ran.out).toMatch(/TARGET +VERDICT +FOUND\nprod\/api +clean +14 resources as desired\nprod\/storefront +drifted +4 changes in 14 resources\n/);
    expect(ran.out).toContain('~ etc/app.yaml');
    expect(ran.out).toContain('/server/port: 9103 → 9999 (by bob)');
    expect(ran.out).toContain('/password: (sensitive)');
    expect(ran.out).toContain('+ etc/extra is not in the desired state');
    expect(ran.out).toMatch(/ {6}-hello\n {6}\+hacked/);
    expect(ran.err).toContain('Next: holdfast plan prod/storefront');
    expect(ran.out + ran.err).not.toContain('\u001b');
  });

  it('never lets a name steer the terminal or a table', async () => {
    const found = observation([change({ resource: 'a\u001b]0;x\u0007b\nc\u202ed', actual: '\u001b[31mred' })]);
    const ran = await cli(['check', 'prod/api'], { deps: looking({ 'prod/api': found }) });
    expect(ran.out).toContain('a\\x1b]0;x\\x07b\\nc\\u{202e}d');
    expect(ran.out).not.toMatch(/[\u001b\u0007\u202e]/);
  });

  it('has colours on a terminal, unless NO_COLOR or --no-color says otherwise', async () => {
    const deps = looking({ 'prod/api': DRIFTED });
    expect((await cli(['check'], { deps, io: { outTty: true } })).out).toContain('\u001b[33mdrifted');
    expect((await cli(['check'], { deps, io: { outTty: true, env: { NO_COLOR: '1' } } })).out).not.toContain('\u001b');
    expect((await cli(['check', '--no-color'], { deps, io: { outTty: true } })).out).not.toContain('\u001b');
  });

  it('is one documented JSON value, each target with its own code', async () => {
    const ran = await cli(['check', '-o', 'json'], { deps: looking({ 'prod/api': DRIFTED, 'prod/storefront': UNKNOWN, 'dev/storefront': new Error('broken') }) });
    expect(json(ran)).toMatchObject({ version: 1, kind: 'check', exitCode: 1 });
    const targets = list(ran, 'targets');
    expect(targets.map((each) => [each['address'], each['verdict'], each['exitCode']])).toEqual([
      ['dev/storefront', 'error', 1],
      ['prod/api', 'drifted', 2],
      ['prod/storefront', 'unknown', 3],
    ]);
    expect(targets[1]?.['changes']).toHaveLength(1);
  });

  it('is Markdown that a name cannot turn into markup', async () => {
    const found = observation([change({ resource: 'a`|<script>', path: '', kind: 'missing', actual: undefined as never })]);
    const ran = await cli(['check', 'prod/api', '-o', 'markdown'], { deps: looking({ 'prod/api': found }) });
    expect(ran.out).toContain('| ``a`¦<script>`` |');
    expect(ran.out).toContain('| prod/api | drifted |');
  });

  it('says how far it is only on a terminal and only for many targets', async () => {
    expect((await cli(['check'], { deps: looking({}), io: { errTty: true } })).err).toContain('looked at');
    expect((await cli(['check', 'prod/api'], { deps: looking({}), io: { errTty: true } })).err).toBe('');
    expect((await cli(['check'], { deps: looking({}) })).err).toBe('');
  });
});

describe('how a check runs', () => {
  it('reads no more at once than an environment allows', async () => {
    let now = 0;
    let most = 0;
    const targets = Array.from({ length: 20 }, (_, index) => target('prod', `t${index}`));
    await cli(['check', 'prod'], {
      deps: {
        loadConfig: () => Promise.resolve(config({ targets })),
        look: async () => {
          now += 1;
          most = Math.max(most, now);
          await new Promise((resolve) => setImmediate(resolve));
          now -= 1;
          return observation([]);
        },
      },
    });
    expect(most).toBe(4);
  });

  it('calls a target that hangs unknown, and goes on with the others', async () => {
    const targets = [target('prod', 'hangs', { observeTimeoutMs: 20 }), target('prod', 'works')];
    const ran = await cli(['check', '-o', 'json'], {
      deps: { loadConfig: () => Promise.resolve(config({ targets })), look: ({ target: each }) => (each.target === 'works' ? Promise.resolve(observation([])) : new Promise(() => undefined)) },
    });
    expect(ran.code).toBe(3);
    expect(list(ran, 'targets').map((each) => each['verdict'])).toEqual(['unknown', 'clean']);
  });

  it('ends with 130 when it is interrupted, and prints nothing half', async () => {
    const controller = new AbortController();
    const ran = await cli(['check'], {
      io: { signal: controller.signal },
      deps: { look: () => { controller.abort('SIGINT'); return new Promise(() => undefined); } },
    });
    expect(ran).toEqual({ code: 130, out: '', err: '' });
  });

  it('ends quietly when nobody reads what it prints', async () => {
    const controller = new AbortController();
    const ran = await cli(['check'], { io: { signal: controller.signal, out: () => { controller.abort('stdout-closed'); return Promise.resolve(); } }, deps: looking({ 'prod/api': DRIFTED }) });
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.err).not.toContain('holdfast:');
  });
});

describe('a check by the workers', () => {
  const started = { workflowId: 'check/prod-1', runId: 'r' };
  const counts = { clean: 1, drifted: 1, unknown: 0, unknownTargets: [], opened: ['prod/storefront#8'] };

  it('is started, and its result waited for only when asked to', async () => {
    const deps = connected({ startCheck: () => Promise.resolve(started), waitForCheck: () => Promise.resolve(counts) });
    expect(await cli(['check', 'prod', '--remote'], { deps })).toMatchObject({ code: 0, out: text('check/prod-1 started') });
    expect(await cli(['check', 'prod', '--remote', '--wait'], { deps })).toMatchObject({ code: 2, out: text('opened: prod/storefront#8') });
  });

  it('that does not end in time is still waiting', async () => {
    const deps = connected({ startCheck: () => Promise.resolve(started), waitForCheck: () => new Promise(() => undefined) });
    expect(await cli(['schedules', 'trigger', 'prod/api', '--wait', '--timeout', '10ms'], { deps })).toMatchObject({ code: 5, out: text('still under way') });
  });
});

describe('plan', () => {
  const part = { decision: 'ask', risk: 'low', rules: ['remediation: ask'], reason: 'this target asks before every repair', changes: [change()], decided: [], plan: plan(), gates: [] } as const;
  const deps = { ...looking({ 'prod/storefront': DRIFTED }), assess: () => Promise.resolve({ parts: [part], quiet: [] }) };

  it('shows the parts, their rules, steps and gates, and what comes next', async () => {
    const gates = [{ allowed: false, gate: 'freeze', reason: 'freeze of prod by bob', opensAt: '2030-02-01T00:00:00Z' } as const];
    const ran = await cli(['plan', 'prod/storefront'], { deps: { ...deps, assess: () => Promise.resolve({ parts: [{ ...part, gates }], quiet: [{ change: change({ resource: 'etc/b' }), why: 'rejected in #3' }] }) } });
    expect(ran.code).toBe(2);
    for (const line of ['Part 1: ask', 'remediation: ask', '3f9ac2d10000', '1. write etc/app.yaml as desired', 'update 1', 'rollback: exact', 'freeze is closed: freeze of prod by bob (opens 2030-02-01T00:00:00Z)', 'a person is asked', 'etc/b /server/port: rejected in #3']) {
      expect(ran.out).toContain(line);
    }
    expect(ran.err).toContain('There is no record yet');
  });

  it.each([
    { reason: 'nothing is open', row: undefined, says: 'no incident is open; the next check opens one, at once with: holdfast check prod/storefront --remote' },
    { reason: 'it waits for a person', row: incident({ phase: 'awaiting-approval', parts: [{ part: 1, phase: 'awaiting-approval', plan: HASH }] }), says: 'prod/storefront#7 waits with this plan: holdfast approve prod/storefront#7 --plan 3f9ac2d10000, or: holdfast reject' },
    { reason: 'it is being repaired', row: incident({ phase: 'staging', parts: [{ part: 1, phase: 'staging', plan: HASH }] }), says: 'prod/storefront#7 has this plan and is staging; follow it with: holdfast incident prod/storefront#7' },
    { reason: 'the changes moved since', row: incident({ phase: 'awaiting-approval', parts: [{ part: 1, phase: 'awaiting-approval', plan: 'b'.repeat(64) }] }), says: 'prod/storefront#7 is open with other parts' },
    { reason: 'it was rolled back, and the incident goes on with other parts', row: incident({ phase: 'awaiting-approval', parts: [{ part: 1, phase: 'closed', plan: HASH }] }), says: 'prod/storefront#7 has ended this plan, and is open with other parts; why it ended: holdfast incident prod/storefront#7' },
    { reason: 'it is only in sight', row: incident({ phase: 'observed', parts: [{ part: 1, phase: 'observed', plan: HASH }] }), of: { decision: 'hold' as const }, says: 'prod/storefront#7 has it in sight, and nobody is asked; to repair it all the same: holdfast approve prod/storefront#7 --plan 3f9ac2d10000' },
    { reason: 'a rule wants it adopted', row: incident({ phase: 'observed', parts: [{ part: 1, phase: 'observed', plan: HASH }] }), of: { decision: 'adopt' as const }, says: 'prod/storefront#7 waits for who adopts it: holdfast adopt prod/storefront#7 --plan 3f9ac2d10000 --reason WHY' },
    { reason: 'no check opens what settles before its time', row: undefined, of: { gates: [{ allowed: false as const, gate: 'settling' as const, reason: 'settling', opensAt: '2030-01-31T12:10:00.000Z' }] }, says: 'no incident is open; the first check after 2030-01-31T12:10:00.000Z opens one' },
    { reason: 'no check has seen what is to settle', row: undefined, of: { gates: [{ allowed: false as const, gate: 'settling' as const, reason: 'settling' }] }, says: 'no incident is open; the next check begins to count, at once with: holdfast check prod/storefront --remote' },
    { reason: 'decisions must be signed there', row: incident({ phase: 'awaiting-approval', parts: [{ part: 1, phase: 'awaiting-approval', plan: HASH }] }), signed: true, says: 'holdfast approve prod/storefront#7 --plan 3f9ac2d10000 --key ~/.ssh/id_ed25519, or: holdfast reject prod/storefront#7 --plan 3f9ac2d10000 --reason WHY --key ~/.ssh/id_ed25519' },
    { reason: 'the last one has ended', row: incident({ phase: 'closed', outcome: 'rejected', closedAt: '2030-01-31T12:00:00.000Z', parts: [] }), says: 'no incident is open' },
  ])('names where the incident stands and what moves it: $reason', async ({ row, says, of = {}, signed = false }: { row: IncidentRow | undefined; says: string; of?: Partial<AssessedPart>; signed?: boolean }) => {
    const site = config();
    const loadConfig = (): Promise<ReturnType<typeof config>> => Promise.resolve(signed ? { ...site, environments: site.environments.map((each) => ({ ...each, approvals: { ...each.approvals, trust: 'signed' as const } })) } : site);
    const ran = await cli(['plan', 'prod/storefront'], { deps: { ...deps, loadConfig, assess: () => Promise.resolve({ parts: [{ ...part, ...of }], quiet: [] }), ...recorded({ incident: () => Promise.resolve(row) }) } });
    expect(ran.out.replaceAll("'", '')).toContain(says);
  });

  it('names every gate that is closed, when it opens, and the command that opens it', async () => {
    const gates = [
      { allowed: false, gate: 'window', reason: 'outside the allow window "0 9 * * 1-5" for 8h (Europe/London) of prod; opens 2030-02-04T09:00:00.000Z (Monday 2030-02-04 09:00 Europe/London)', opensAt: '2030-02-04T09:00:00.000Z', command: 'holdfast approve prod/storefront --plan HASH --break-glass --reason WHY' },
      { allowed: false, gate: 'breaker', reason: 'breaker of prod by holdfast', command: 'holdfast release prod --gate breaker --reason WHY' },
    ] as const;
    const ran = await cli(['plan', 'prod/storefront'], { deps: { ...deps, assess: () => Promise.resolve({ parts: [{ ...part, gates }], quiet: [] }) } });
    expect(ran.out).toMatch(/window is closed: outside the allow window .*; opens 2030-02-04T09:00:00.000Z \(Monday 2030-02-04 09:00 Europe\/London\)\n +open it: {2}holdfast approve prod\/storefront --plan 3f9ac2d10000 --break-glass --reason WHY\n/);
    expect(ran.out).toMatch(/breaker is closed: breaker of prod by holdfast\n +open it: {2}holdfast release prod --gate breaker --reason WHY\n/);
  });

  it('says what is staged now and waits before its switch', async () => {
    const atSwitch = [{ allowed: false, gate: 'window', reason: 'outside the allow window "0 9 * * *" for 8h (UTC) of prod; opens 2030-02-04T09:00:00.000Z', opensAt: '2030-02-04T09:00:00.000Z' }] as const;
    const ran = await cli(['plan', 'prod/storefront'], { deps: { ...deps, assess: () => Promise.resolve({ parts: [{ ...part, atSwitch }], quiet: [] }) } });
    expect(ran.out).toMatch(/gates: {4}open\n +switch: {3}waits for window, and is kept staged: outside the allow window .* opens 2030-02-04T09:00:00.000Z\n/);
  });

  it('a repair of too much says that the approval of its plan opens blast-radius', async () => {
    const ran = await cli(['plan', 'prod/storefront'], { deps: { ...deps, assess: () => Promise.resolve({ parts: [{ ...part, rules: ['blast-radius', 'remediation: auto'] }], quiet: [] }) } });
    expect(ran.out).toContain('gates:    open but blast-radius, which the approval of this plan opens');
  });

  it('gives the whole hash in JSON', async () => {
    const ran = await cli(['plan', 'prod/storefront', '-o', 'json'], { deps: { ...deps, ...recorded({ incident: () => Promise.resolve(undefined) }) } });
    expect(json(ran)).toMatchObject({ version: 1, kind: 'plan', address: 'prod/storefront', record: true, parts: [{ plan: { hash: HASH }, next: text('a person is asked') }] });
  });

  it('plans nothing for what is as desired or cannot be read', async () => {
    expect(await cli(['plan', 'prod/api'], { deps })).toMatchObject({ code: 0, out: text('clean') });
    expect(await cli(['plan', 'prod/api'], { deps: looking({ 'prod/api': UNKNOWN }) })).toMatchObject({ code: 3, out: text('the folder cannot be read') });
  });
});
