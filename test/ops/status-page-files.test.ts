import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { openAuth } from "../../src/ops/auth.ts";
import { renderAssets } from "../../src/ops/status-page/embed.ts";
import { statusPageRoute } from "../../src/ops/status-page.ts";
import { worldOf } from "../queue/world.ts";
import { QueueDoor } from "./queue-door.ts";

const FOLDER = new URL("../../src/ops/status-page/", import.meta.url);
/** The page's scripts have no types; they are for browsers. */
const load = (name: string) => import(new URL(name, FOLDER).href);

describe("the status page's files", () => {
  let door: QueueDoor;
  before(async () => {
    door = await new QueueDoor(worldOf()).open(openAuth, [statusPageRoute()]);
  });
  after(() => door.close());

  it("are embedded as they are (after a change: node src/ops/status-page/embed.ts)", () => {
    assert.equal(readFileSync(new URL("assets.gen.ts", FOLDER), "utf8"), renderAssets());
  });

  it("are served to everybody, each in its type, under a policy that allows nothing from elsewhere", async () => {
    const types: [path: string, type: string][] = [
      ["/", "text/html; charset=utf-8"],
      ["/status-page/page.css", "text/css; charset=utf-8"],
      ["/status-page/page.js", "text/javascript; charset=utf-8"],
      ["/status-page/icon.svg", "image/svg+xml"],
    ];
    for (const [path, type] of types) {
      const { status, headers } = await fetch(door.url + path);
      assert.deepEqual([status, headers.get("content-type")], [200, type], path);
      const policy = headers.get("content-security-policy") ?? "";
      assert.match(policy, /default-src 'none'.*script-src 'self'/);
      assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    }
  });

  it("link to each other relatively, and to nothing that is not served", async () => {
    const html = await (await fetch(`${door.url}/`)).text();
    const links = [...html.matchAll(/(?:src|href)="([^"#][^"]*)"/g)].map(([, link = ""]) => link);
    assert.equal(links.length, 5);
    const page = await (await fetch(`${door.url}/status-page/view.js`)).text();
    for (const [, link = ""] of page.matchAll(/from "\.\/([^"]+)"/g)) links.push(`status-page/${link}`);
    for (const link of links) {
      assert.match(link, /^status-page\//);
      assert.equal((await fetch(`${door.url}/${link}`)).status, 200, link);
    }
  });

  it("leave other paths to others", async () => {
    for (const path of ["/status-page/", "/status-page/embed.ts", "/status-page/..%2fstatus-page.ts", "/x"]) {
      assert.equal((await fetch(door.url + path)).status, 404, path);
    }
  });
});

describe("reading a stream", () => {
  const text = 'event: overview\ndata: {"a":1}\n\n: nothing new\n\ndata: two\ndata: lines\n\n';

  it("gives each event once, however the bytes were cut, and counts comments as signs of life", async () => {
    const { readEvents } = await load("stream.js");
    for (let size = 1; size <= text.length; size++) {
      const events: string[][] = [];
      let signs = 0;
      const bytes = new TextEncoder().encode(text);
      const body = new ReadableStream({
        start(controller) {
          for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      });
      await readEvents(body, {
        onEvent: (type: string, data: string) => void events.push([type, data]),
        onSign: () => signs++,
      });
      assert.deepEqual(events, [
        ["overview", '{"a":1}'],
        ["message", "two\nlines"],
      ]);
      assert.equal(signs, Math.ceil(bytes.length / size));
    }
  });
});

describe("words of the page", () => {
  it("give spans of time that change once a minute", async () => {
    const { span } = await load("words.js");
    const cases: [ms: number, words: string][] = [
      [-5, "under 1 min"],
      [59_999, "under 1 min"],
      [60_000, "1 min"],
      [3_600_000, "1 h"],
      [11_100_000, "3 h 5 min"],
      [187_200_000, "2 d 4 h"],
    ];
    for (const [ms, words] of cases) assert.equal(span(ms), words);
  });

  it("give durations with two digits that count", async () => {
    const { duration } = await load("words.js");
    const cases: [ms: number | null, words: string][] = [
      [null, "–"],
      [0.1234, "0.12 ms"],
      [4.06, "4.1 ms"],
      [41.4, "41 ms"],
      [2_140, "2.1 s"],
    ];
    for (const [ms, words] of cases) assert.equal(duration(ms), words);
  });

  it("carry priorities on as minutes pass, as the replica would", async () => {
    const { priorityAt } = await load("words.js");
    const entry = { priority: 160, ageSeconds: 659, createdAt: "2026-01-01T00:00:00.000Z" };
    const start = Date.parse(entry.createdAt);
    assert.deepEqual(
      [659_000, 660_000, 719_000, 720_000].map((ms) => priorityAt(entry, start + ms)),
      [160, 161, 161, 162],
    );
  });

  it("leave the uuid out of an identity, and nothing else", async () => {
    const { podOf } = await load("words.js");
    assert.equal(podOf("coordinator-0_1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"), "coordinator-0");
    assert.equal(podOf("beskar7-claim-coordinator"), "beskar7-claim-coordinator");
  });
});
