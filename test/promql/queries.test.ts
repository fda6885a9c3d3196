import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { type ManagerReplica, startManagerReplica } from "../e2e/manager-replica.ts";
import { Objects } from "../e2e/objects.ts";
import { Rig, until } from "../e2e/rig.ts";
import { type Answer, evaluate, type Scrape, skipWithoutEvaluator } from "./evaluate.ts";
import {
  ANNOUNCED,
  alertingRules,
  announcedSelectors,
  dashboardQueries,
  documentedQueries,
} from "./expressions.ts";

const name = "queries over what replicas expose, evaluated by Prometheus's engine";
const skip = (await skipWithoutControlPlane(name)) || (await skipWithoutEvaluator(name));
const MINUTE_MS = 60_000;
/** The hosts' namespace of the announced examples; it exists in every cluster. */
const NAMESPACE = "default";

describe(name, { skip, timeout: 120_000 }, () => {
  let rig: Rig;
  const replicas: ManagerReplica[] = [];
  const scrapes: Scrape[] = [];
  /** The scrapes are real; that a minute lies between two of them is not. */
  let nowMs = Math.floor(Date.now() / 1000) * 1000;

  before(async () => {
    rig = await Rig.start();
    for (const stands of [true, false]) {
      const flags = ["--metrics-secure=false", `--enable-claim-coordinator-leader-election=${stands}`];
      replicas.push(await startManagerReplica(rig, `coordinator-${replicas.length}`, flags));
    }
    rig.balancer.setTargets(replicas.map(({ manager }) => manager.addresses.webhook.port));
    const [leader] = replicas.map(({ manager }) => manager.replica);
    await until(() => leader!.isLeading());
    const thief = await rig.podClient("controller-0");
    const pool = new Objects(rig.admin, NAMESPACE);
    const tagged = (tag: string) => ({ waiting: true, annotations: { "beskar7.io/required-tags": tag } });
    await pool.host("spare");
    await pool.machine("picky", tagged("gpu"));
    await until(() => replicas.every(({ manager }) => [...manager.replica.world.hosts()].length === 1));
    await scrapeAll();
    for (const round of ["first", "second"]) {
      await pool.machine(`machine-${round}`, tagged(round));
      await pool.host(`host-${round}`, { labels: { [round]: "" } });
      await until(async () => (await pool.hostsOf(`machine-${round}`)).length === 1);
      await assert.rejects(pool.claim(thief.api, await pool.getHost(`host-${round}`), "thief"), /is held by/);
      await scrapeAll();
    }
    thief.api.close();
  });
  after(async () => {
    for (const replica of replicas) await replica.stop();
    await rig?.stop();
  });

  async function scrapeAll(): Promise<void> {
    nowMs += MINUTE_MS;
    for (const { pod, peopleUrl } of replicas) {
      const answer = await fetch(`${peopleUrl}/metrics`);
      assert.equal(answer.status, 200);
      const target = { job: "beskar7-claim-coordinator", pod, instance: new URL(peopleUrl).host };
      scrapes.push({ atMs: nowMs, target, text: await answer.text() });
    }
  }

  async function ask(exprs: readonly string[]): Promise<readonly Answer[]> {
    const { answers } = await evaluate({ scrapes, queries: exprs.map((expr) => ({ expr, atMs: nowMs })) });
    return answers;
  }

  /** The numbers of one query, without those that are none (0/0 of results that did not occur). */
  async function numbers(expr: string): Promise<number[]> {
    const [answer] = await ask([expr]);
    assert.equal(answer!.error, undefined, expr);
    return answer!.series.map(({ value }) => Number(value)).filter((value) => !Number.isNaN(value));
  }

  async function noneIsEmpty(exprs: readonly string[]): Promise<void> {
    const answers = await ask(exprs);
    for (const [index, { error, series }] of answers.entries()) {
      assert.equal(error, undefined, exprs[index]);
      assert.ok(
        series.some(({ value }) => value !== "NaN"),
        `a number for ${exprs[index]}`,
      );
    }
  }

  test("each announced query and selector has an answer", async () => {
    const { identity } = replicas[0]!.manager;
    await noneIsEmpty([...Object.values(ANNOUNCED), ...announcedSelectors(identity)]);
  });

  test("the announced share of successes divides each series by itself, so that it is 1", async () => {
    assert.deepEqual(await numbers(ANNOUNCED.success), [1]);
  });

  test("the share of successes is told with sums around both sides: two were bound, two refused", async () => {
    const [share] = await numbers(
      `sum by (namespace) (rate(beskar7_claim_coordinator_results_total{result_type="success"}[5m])) /
       sum by (namespace) (rate(beskar7_claim_coordinator_results_total[5m]))`,
    );
    assert.ok(Math.abs(share! - 0.5) < 1e-9, `${share}`);
  });

  test("a claim's average processing time is more than nothing and less than a minute", async () => {
    const averages = await numbers(ANNOUNCED.processing);
    assert.ok(averages.length > 0);
    assert.ok(
      averages.every((seconds) => seconds > 0 && seconds < 60),
      averages.join(),
    );
  });

  test("each query of the documentation has an answer", async () => {
    const queries = documentedQueries();
    assert.ok(queries.length >= Object.keys(ANNOUNCED).length);
    for (const announced of Object.values(ANNOUNCED)) {
      assert.ok(queries.includes(announced.replaceAll(/ +\n/g, "\n")), `README has ${announced}`);
    }
    await noneIsEmpty(queries);
  });

  test("each panel of the dashboard has something to show, but for orphans where there are none", async () => {
    const panels = dashboardQueries();
    const isQuiet = ({ title }: { title: string }) => title === "Orphaned hosts";
    await noneIsEmpty(panels.filter((panel) => !isQuiet(panel)).map(({ expr }) => expr));
    const [orphans] = await ask(panels.filter(isQuiet).map(({ expr }) => expr));
    assert.deepEqual(orphans, { series: [] });
  });

  test("the dashboard's numbers are those of the run", async () => {
    const shown = async (title: string, nth = 0) =>
      numbers(dashboardQueries().filter((panel) => panel.title === title)[nth]!.expr);
    assert.deepEqual(await shown("Waiting claims"), [1], "picky");
    assert.deepEqual(await shown("Free hosts"), [1], "spare");
    assert.equal((await shown("Leader")).length, 1);
    assert.equal((await shown("Memory")).length, 2, "one a replica");
    const [certificate] = await shown("Certificate");
    assert.ok(certificate! > 3_000 && certificate! < 3_600, "it lives for an hour");
  });

  test("no alert fires", async () => {
    const { firing } = await evaluate({ scrapes, rules: alertingRules() });
    assert.deepEqual(
      firing.map(({ alert }) => alert),
      [],
    );
  });
});
