// What checks and incidents cost on Temporal, by the server's own counters.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { costOf, withSite } from './site.mjs';
import { row } from './table.mjs';

const COUNTS = [1, 10, 100, 1000];

/** Scheduled checks without drift, and the same drift seen again. */
export async function checkRows(say) {
  const environments = Object.fromEntries(COUNTS.map((count) => [`n${count}`, { remediation: 'observe', targets: count }]));
  environments.m1 = { remediation: 'observe', targets: 1, files: 1000 };
  environments.drifting = { remediation: 'observe', targets: 1 };
  return withSite(environments, async (site) => {
    const { temporal, folder } = site;
    const connection = await Connection.connect({ address: site.connect.address });
    const temporalClient = new Client({ connection });
    const rows = [];
    const bytes = {};
    for (const name of [...COUNTS.map((count) => `n${count}`), 'm1']) {
      say(`check of ${name}`);
      const first = await scheduled(temporalClient, temporal, name);
      const { cost, description } = first;
      const count = name === 'm1' ? 1 : Number(name.slice(1));
      const label = name === 'm1' ? '1 target of 1,000 resources' : `${count} target${count === 1 ? '' : 's'}`;
      rows.push(row({ name: `check.actions: ${label}`, value: cost.total, unit: 'actions', goal: 4 + Math.ceil(count / 25) }));
      rows.push(row({ name: `check.events: ${label}`, value: description.historyLength, unit: 'events' }));
      bytes[name] = Number(description.raw.workflowExecutionInfo.historySizeBytes);
    }
    rows.push(row({ name: 'check.bytes: history per target, from 100 to 1,000', value: (bytes.n1000 - bytes.n100) / 900, unit: 'bytes', goal: 100 }));
    rows.push(row({ name: 'check.bytes: 1,000 resources against 1', value: bytes.m1 - bytes.n1, unit: 'bytes more', goal: 20 }));
    say('the same drift again');
    await writeFile(join(folder, 'live', 'drifting', '0', 'app-0.yaml'), 'port: 9999\nname: app-0\n');
    await scheduled(temporalClient, temporal, 'drifting');
    const incident = temporalClient.workflow.getHandle('incident/drifting/drifting-0000');
    const before = (await incident.describe()).historyLength;
    const again = await scheduled(temporalClient, temporal, 'drifting');
    rows.push(row({ name: 'check.actions: the same drift again, beyond the check', value: again.cost.total - rows[0].value, unit: 'actions', goal: 0 }));
    rows.push(row({ name: 'check.events: the same drift again, in the incident', value: (await incident.describe()).historyLength - before, unit: 'events', goal: 0 }));
    await connection.close();
    return rows;
  });
}

/** One firing of the schedule, by trigger; the trigger itself is not counted. */
async function scheduled(client, temporal, environment) {
  const handle = client.schedule.getHandle(`check/${environment}`);
  let workflowId;
  const cost = await costOf(temporal, async () => {
    const known = (await handle.describe()).info.recentActions.length;
    await handle.trigger();
    for (;;) {
      const { recentActions } = (await handle.describe()).info;
      const last = recentActions.at(-1);
      if (recentActions.length > known && last?.action?.workflow !== undefined) {
        workflowId = last.action.workflow.workflowId;
        break;
      }
      await sleep(200);
    }
    await client.workflow.getHandle(workflowId).result();
  });
  return { cost, description: await client.workflow.getHandle(workflowId).describe() };
}

/** Whole incidents, from the check that finds the drift to the closed record; the check's own cost is taken off. */
export async function incidentRows(say) {
  const environments = { auto: { remediation: 'auto', targets: 1 }, ask: { remediation: 'ask', targets: 1 }, sick: { remediation: 'auto', targets: 1 }, idle: { remediation: 'ask', targets: 1 } };
  return withSite(environments, async (site) => {
    const { client, temporal, ledger, health, folder } = site;
    const live = (environment) => join(folder, 'live', environment, '0', 'app-0.yaml');
    const drift = (environment) => writeFile(live(environment), 'port: 9999\nname: app-0\n');
    const check = async (environment) => client.waitForCheck(await client.startCheck(environment));
    health.unhealthyWhen('sick', async () => (await readFile(live('sick'), 'utf8')).includes('8080'));
    const bare = await costOf(temporal, () => check('auto'));
    // What is drifted at the first look is asked about, whatever `remediation` says.
    for (const environment of ['ask', 'sick', 'idle']) await check(environment);
    // The guard of an environment is started once in its life.
    for (const environment of Object.keys(environments)) await client.command(environment, { command: 'unfreeze', scope: environment, by: 'bench', reason: 'start the guard' });
    const rows = [];

    const measure = async (name, goal, work) => {
      say(name);
      const cost = await costOf(temporal, work);
      const types = Object.entries(cost.byType).map(([type, count]) => `${type.replace(/^(command|grpc|message)_/, '')} ${count}`).join(', ');
      say(`  ${types}`);
      rows.push(row({ name, value: cost.total - bare.total, unit: 'actions', goal }));
    };
    const ended = async (environment) => {
      for (;;) {
        const incident = await ledger.incident({ environment, target: `${environment}-0000` });
        if (incident?.closedAt !== undefined) return incident.outcome;
        await sleep(200);
      }
    };
    const expectOutcome = async (environment, outcome) => {
      const seen = await ended(environment);
      if (seen !== outcome) throw new Error(`${environment} ended ${seen}, not ${outcome}: the figure would mean nothing`);
    };
    await measure('incident.actions: repaired automatically, with soak', 13, async () => {
      await drift('auto');
      await check('auto');
      await expectOutcome('auto', 'fixed');
    });
    await measure('incident.actions: approved, without reminders', 16, async () => {
      await drift('ask');
      await check('ask');
      const address = { environment: 'ask', target: 'ask-0000' };
      let status;
      do {
        await sleep(200);
        status = await client.incidentStatus(address).catch(() => undefined);
      } while (status?.phase !== 'awaiting-approval');
      await client.decide(address, { decision: 'approve', by: 'bench', plan: status.parts[0].plan.slice(0, 12) });
      await expectOutcome('ask', 'fixed');
    });
    await measure('incident.actions: rolled back after the switch', 15, async () => {
      await drift('sick');
      await check('sick');
      await expectOutcome('sick', 'rolled-back');
    });
    say('a waiting incident');
    await drift('idle');
    await check('idle');
    const waiting = await costOf(temporal, () => sleep(20_000));
    rows.push(row({ name: 'incident.actions: waiting, per hour', value: waiting.total * 180, unit: 'actions', goal: 0 }));
    return rows;
  });
}
