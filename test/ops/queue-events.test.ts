import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, describe, it } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import type { Overview } from "../../src/queue/views.ts";
import { host, machine } from "../queue/objects.ts";
import { see, worldOf } from "../queue/world.ts";
import { settled } from "../support/fake-clock.ts";
import { QueueDoor } from "./queue-door.ts";

const opened: QueueDoor[] = [];
after(() => Promise.all(opened.map((door) => door.close())));

async function door(...objects: readonly KubeObject[]): Promise<QueueDoor> {
  const made = await new QueueDoor(worldOf(...objects)).open();
  opened.push(made);
  return made;
}

/** Reads a stream chunk by chunk, as the page does. */
async function listen(made: QueueDoor, query = "") {
  const response = await fetch(`${made.url}/api/v1/events${query}`);
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  /** The next block; null when the stream has ended. */
  const block = async (): Promise<string | null> => {
    for (;;) {
      const end = buffer.indexOf("\n\n");
      if (end !== -1) {
        const text = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        return text;
      }
      const { done, value } = await reader.read();
      if (done) return null;
      buffer += value;
    }
  };
  const overview = async (): Promise<Overview> => {
    const text = await block();
    assert.match(text ?? "", /^event: overview\ndata: /);
    return JSON.parse(text!.slice("event: overview\ndata: ".length));
  };
  return { block, overview, cancel: () => reader.cancel() };
}

const names = ({ queue }: Overview) => queue.entries.map(({ consumer }) => consumer.name);

describe("GET /api/v1/events", () => {
  it("sends an overview at once, and another one when something has changed", async () => {
    const made = await door(machine("a"));
    const stream = await listen(made);
    assert.deepEqual(names(await stream.overview()), ["a"]);
    see(made.world, machine("b"));
    await made.clock.advance(1_000);
    assert.deepEqual(names(await stream.overview()), ["a", "b"]);
  });

  it("sends one overview for many changes within a second", async () => {
    const made = await door();
    const stream = await listen(made);
    await stream.overview();
    for (const name of ["a", "b", "c"]) see(made.world, machine(name));
    await made.clock.advance(1_000);
    assert.deepEqual(names(await stream.overview()), ["a", "b", "c"]);
  });

  it("sends nothing but a sign of life while what it shows stays the same", async () => {
    const made = await door(machine("a", { namespace: "team-a" }));
    const stream = await listen(made, "?namespace=team-a");
    await stream.overview();
    see(made.world, machine("b", { namespace: "team-b" }));
    await made.clock.advance(15_000);
    assert.equal(await stream.block(), ": nothing new");
  });

  it("finds what nobody announced with the next sign of life", async () => {
    const made = await door();
    const stream = await listen(made);
    await stream.overview();
    made.replica = { ...made.replica, notReady: "hosts are not known yet" };
    await made.clock.advance(15_000);
    assert.equal((await stream.overview()).status.replica.notReady, "hosts are not known yet");
  });

  it("shows as much as was asked for", async () => {
    const stream = await listen(await door(machine("a"), machine("b")), "?limit=1");
    const overview = await stream.overview();
    assert.deepEqual([names(overview), overview.queue.total], [["a"], 2]);
  });

  it("ends at shutdown, so that no server waits for its readers", async () => {
    const made = await door();
    const stream = await listen(made);
    await stream.overview();
    made.end.abort();
    assert.equal(await stream.block(), null);
    assert.equal((await made.get("/events")).status, 503);
  });

  it("ends after ten minutes, so that rights are looked at again", async () => {
    const made = await door();
    const stream = await listen(made);
    await stream.overview();
    await made.clock.advance(601_000);
    for (let text = await stream.block(); text !== null; text = await stream.block()) {
      assert.equal(text, ": nothing new");
    }
  });

  it("forgets a reader that has gone, and computes nothing for nobody", async () => {
    const made = await door();
    const stream = await listen(made);
    await stream.overview();
    await stream.cancel();
    while (made.streams.size > 0) await settled();
    await made.clock.advance(1_000);
    assert.equal(made.clock.pending, 0);
  });

  it("takes no more readers than it can serve", async () => {
    const made = await door();
    const streams = await Promise.all(Array.from({ length: 64 }, () => listen(made)));
    const { status, body } = await made.get("/events");
    const message = "too many streams are open here; ask /api/v1/status instead";
    assert.deepEqual([status, body], [503, { error: { code: "Unavailable", message } }]);
    await Promise.all(streams.map((stream) => stream.cancel()));
  });

  it("drops a reader that takes nothing for ten seconds, and keeps little for it until then", async () => {
    const made = await door(...Array.from({ length: 2_000 }, (_, i) => machine(`m${i}`)));
    const socket = connect(Number(new URL(made.url).port), "127.0.0.1");
    socket.pause();
    const dropped = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.write("GET /api/v1/events?limit=10000 HTTP/1.1\r\nHost: x\r\n\r\n");
    while (made.streams.size === 0) await settled();
    for (let i = 0; made.streams.size > 0; i++) {
      see(made.world, host(`host-${i}`));
      await made.clock.advance(1_000);
      assert.ok(i < 60, "it was never dropped");
    }
    socket.resume();
    await dropped;
  });

  it("answers HEAD without opening a stream", async () => {
    const made = await door();
    const response = await fetch(`${made.url}/api/v1/events`, { method: "HEAD" });
    assert.equal(response.status, 200);
    assert.equal(made.streams.size, 0);
  });
});
