import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { World } from "../../src/coordinator/world.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import type { Auth } from "../../src/ops/auth.ts";
import { machine } from "../queue/objects.ts";
import { see, worldOf } from "../queue/world.ts";
import { busyWorld } from "./busy-cluster.ts";
import { launchChromium, skipWithoutChromium } from "./chromium.ts";
import type { QueueDoor } from "./queue-door.ts";
import { connected, openStatusPage, type VisitOptions } from "./visit.ts";

const NARROW = { width: 360, height: 740 };

/** Knows the token "right", which may read team-a only. */
const teamAOnly: Auth = {
  authenticate: async ({ authorization }) =>
    authorization === "Bearer right"
      ? { user: { username: "reader", uid: "", groups: [], extra: {} } }
      : { status: 401, message: "a valid bearer token is needed" },
  authorize: async (_user, access) =>
    "namespace" in access && access.namespace === "team-a"
      ? { allowed: true }
      : { status: 403, message: "reader may not get claimrequests.claims.beskar7.io in all namespaces" },
};

describe("the status page in Chromium", {
  skip: skipWithoutChromium("the status page in Chromium"),
  timeout: 100_000,
}, () => {
  let browser: Browser;
  const doors: QueueDoor[] = [];
  before(async () => {
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await Promise.all(doors.map((door) => door.close()));
  });

  async function visit(world: World, options: VisitOptions = {}) {
    const visited = await openStatusPage(browser, world, options);
    doors.push(visited.door);
    return visited;
  }

  const rowsOf = (page: Page) => page.locator("#queue-rows tr:not(.pool)").allInnerTexts();
  const tabbed = (texts: string[]) => texts.map((text) => text.replace(/\s*[\t\n]\s*/g, " | "));

  it("shows who leads, and the queue in its order with why each waits", async () => {
    const { page, faults } = await visit(busyWorld());
    await connected(page);
    assert.match(
      (await page.locator("#leader p").allInnerTexts()).join("; "),
      /^coordinator-0_7f1c has led for 12 min; since .*, 4 transitions$/,
    );
    const rows = tabbed(await rowsOf(page));
    assert.match(rows[0] ?? "", /^binding \| team-a\/worker-9 .*getting rack-1-node-06$/);
    assert.match(
      rows[1] ?? "",
      /^1 \| team-a\/gpu-train-0 .* 3 h 10 min .* gpu; prefers nvme .*no free host fits/,
    );
    assert.match(rows[5] ?? "", /^held back \| team-a\/old-paused .*its machine is paused$/);
    assert.deepEqual(faults, []);
  });

  it("shows hosts by state, decisions with their reasons, rejections, latency and the certificate", async () => {
    const { page } = await visit(busyWorld());
    await connected(page);
    const text = (await page.locator("main").allInnerTexts()).join();
    for (const part of [
      /8 held\s+1 orphaned\s+2 unavailable/,
      /Unavailable: 1: state is Error; 1: state is Inspecting/,
      /rejected 4 times/,
      /Delegated the claim of Beskar7Machine team-a\/worker-7/,
      /validate\s+0\.40 ms/,
      /certificate valid for\s+30 d 1 h/,
      /coordinator-2 is the new leader/,
    ]) {
      assert.match(text, part);
    }
  });

  it("follows what happens without a reload, and keeps what did not change as it was", async () => {
    const { door, page } = await visit(worldOf(machine("first")));
    await connected(page);
    const before = await page.locator("#queue-rows tr").first().elementHandle();
    see(door.world, machine("second"));
    await door.clock.advance(1_000);
    await page.getByText("default/second").waitFor();
    assert.equal(await before?.evaluate((row: { isConnected: boolean }) => row.isConnected), true);
  });

  it("explains a machine when its name is chosen: who is ahead, and of each host why not", async () => {
    const { page, faults } = await visit(busyWorld());
    await connected(page);
    await page.getByRole("button", { name: "team-a/control-plane-1" }).press("Enter");
    const dialog = page.getByRole("dialog", { name: "team-a/control-plane-1" });
    await dialog
      .getByText("Position 2 for PhysicalHost in team-a: host rack-1-node-04 is free for it.")
      .waitFor();
    assert.match(
      (await dialog.getByRole("listitem").allInnerTexts()).join(),
      /team-a\/gpu-train-0 needs gpu/,
    );
    const hosts = tabbed(await dialog.getByRole("row").allInnerTexts());
    assert.equal(hosts[1], "rack-1-node-04 | Free | gets it | –");
    assert.ok(hosts.includes("rack-1-node-05 | Unavailable | fits, not free | its state is Error"));
    await page.keyboard.press("Escape");
    assert.equal(await dialog.isVisible(), false);
    assert.deepEqual(faults, []);
  });

  it("asks for a token where one is needed, says when one is wrong, and tells it to nobody else", async () => {
    const { page, faults } = await visit(busyWorld(), { auth: teamAOnly });
    await page.locator('#connection[data-state="refused"]').waitFor();
    assert.equal(await page.evaluate("document.activeElement.id"), "token");
    await page.keyboard.type("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("A valid bearer token is needed.").waitFor();
    await page.locator("#token").fill("right");
    await page.keyboard.press("Enter");
    await page.getByText(/name a namespace that you may read/).waitFor();
    assert.equal(await page.evaluate("document.activeElement.id"), "namespace");
    await page.keyboard.type("team-a");
    await page.keyboard.press("Enter");
    await connected(page);
    assert.equal(await page.locator("#access").getAttribute("open"), null);
    assert.match(page.url(), /\/#namespace=team-a$/);
    assert.deepEqual(faults, []);
  });

  it("connects again when its stream ends, and says so while it can't", async () => {
    const { door, page } = await visit(worldOf(machine("first")));
    await connected(page);
    await door.clock.advance(601_000);
    see(door.world, machine("second"));
    await page.getByText("default/second").waitFor();
    door.end.abort();
    await page.getByText("Connection lost, trying again").waitFor();
    assert.match((await rowsOf(page)).join(), /default\/first/);
  });

  it("shows names as text, whatever they are", async () => {
    const hostile = machine("first", { annotations: { "beskar7.io/required-tags": "gpu" } });
    const world = worldOf(hostile);
    const { door, page, faults } = await visit(world);
    door.leader = { ...door.leader, identity: "<img src=x onerror=alert(1)>" };
    await door.clock.advance(15_000);
    await page.getByText("<img src=x onerror=alert(1)>").waitFor();
    assert.equal(await page.locator("#leader img").count(), 0);
    assert.deepEqual(faults, []);
  });

  it("fits a narrow phone without scrolling sideways, also with the longest names", async () => {
    const long: KubeObject = machine(`a${"-very-long-name".repeat(16)}`, { namespace: "team-a" });
    const world = busyWorld();
    see(world, long);
    const { page } = await visit(world, { viewport: NARROW });
    await connected(page);
    const [content, window] = (await page.evaluate(
      "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
    )) as [number, number];
    assert.ok(content <= window, `${content} px in ${window}`);
  });

  it("keeps every table within its section, however wide the window is", async () => {
    const { page } = await visit(busyWorld());
    await connected(page);
    for (const width of [1280, 1200, 1024, 800]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(
        "[...document.querySelectorAll('section')].filter((section) => section.scrollWidth > section.clientWidth)" +
          ".map((section) => section.getAttribute('aria-labelledby'))",
      );
      assert.deepEqual(wide, [], `${width} px`);
    }
  });

  it("can be read by a screen reader on a phone: tables stay tables, with their headers", async () => {
    const { page } = await visit(busyWorld(), { viewport: NARROW });
    await connected(page);
    const queue = page.getByRole("table", { name: "Queue" });
    assert.equal(await queue.getByRole("columnheader").count(), 6);
    assert.equal(
      await queue
        .getByRole("row", { name: /team-a\/gpu-train-0/ })
        .getByRole("cell")
        .count(),
      6,
    );
    // Chromium keeps them tables by itself; other browsers need to be told.
    assert.equal(await page.locator(":is(table, thead, tbody, tr, th, td):not([role])").count(), 0);
    assert.equal(await page.getByRole("status").textContent(), "Live");
    for (const heading of ["Queue", "Hosts", "Recent decisions", "Rejections", "Latency", "Elections"]) {
      assert.equal(await page.getByRole("heading", { level: 2, name: heading, exact: true }).count(), 1);
    }
  });

  it("is reached with the keyboard: the first stop leads past everything to the queue", async () => {
    const { page } = await visit(busyWorld());
    await connected(page);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the queue");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate("document.activeElement.id"), "queue");
  });
});
