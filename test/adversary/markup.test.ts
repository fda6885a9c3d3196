import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { launchChromium, skipWithoutChromium } from "../ops/chromium.ts";
import { connected, openStatusPage } from "../ops/visit.ts";
import { delegated } from "../queue/decisions.ts";
import { host, machine } from "../queue/objects.ts";
import { minutesAgo, NOW_MS, worldOf } from "../queue/world.ts";

const MARKUP = "<img src=x onerror=alert(1)>";

/** A reference may name its consumer as it likes; what the API server would not take as a name is here all the same. */
function hostileWorld() {
  const consumer = { apiVersion: "", kind: "Beskar7Machine", namespace: "default", name: MARKUP, uid: "" };
  const world = worldOf(
    machine(`first ${MARKUP}`, { creationTimestamp: minutesAgo(300) }),
    machine(`second ${MARKUP}`),
    host(`host ${MARKUP}`, { state: `Odd ${MARKUP}` }),
  );
  return { world, decision: delegated({ consumer, host: MARKUP, requester: MARKUP, atMs: NOW_MS }) };
}

const suite = "names that are markup";
describe(suite, { skip: skipWithoutChromium(suite), timeout: 100_000 }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  it("are text wherever the status page shows one", async (t) => {
    const { world, decision } = hostileWorld();
    const { door, page, faults } = await openStatusPage(browser, world);
    t.after(() => door.close());
    await connected(page);
    door.decisions.note(decision);
    door.leaders.note("new_leader", MARKUP, NOW_MS);
    door.leader = { ...door.leader, identity: MARKUP };
    door.replica = { ...door.replica, identity: MARKUP, notReady: MARKUP };
    await door.clock.advance(15_000);
    await page.locator("#leader").getByText(MARKUP).first().waitFor();
    for (const [part, times] of Object.entries({
      ...{ "#leader": 2, "#queue-rows": 2, "#pools": 1, "#decision-rows": 3, "#election-list": 1 },
      ...{ "#replica": 1 },
    })) {
      const text = await page.locator(part).innerText();
      assert.ok(text.split(MARKUP).length > times, `${part} says ${text}`);
    }

    await page.getByRole("button", { name: "second" }).press("Enter");
    const dialog = page.locator("#explanation");
    await dialog.getByRole("table").waitFor();
    for (const part of ["#explanation-title", "#explanation-body li", "#explanation-body table"])
      assert.ok((await page.locator(part).innerText()).includes(MARKUP), part);
    assert.equal(await page.locator("img").count(), 0);
    assert.deepEqual(faults, []);
  });
});
