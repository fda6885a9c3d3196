import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { runQueue } from "../../src/cli/queue.ts";
import { bindingTo, host, machine, needing, request } from "../queue/objects.ts";
import { minutesAgo } from "../queue/world.ts";
import { memoryIo } from "./memory-io.ts";

const objects = [
  machine("gpu", { creationTimestamp: minutesAgo(190), ...needing("gpu") }),
  machine("plain"),
  machine("binds", { creationTimestamp: minutesAgo(0.5) }),
  request("binds", { status: bindingTo("host-2") }),
  machine("other", { namespace: "team-b" }),
  host("host-1"),
  host("host-2"),
];
const lines = (...all: string[]) => `${all.join("\n")}\n`;

describe("queue", () => {
  it("prints who waits in order, what each needs, and why it waits", async () => {
    const io = memoryIo(objects);
    assert.equal(await runQueue({ namespace: "", output: "text" }, io), 0);
    assert.equal(
      io.printed.out,
      lines(
        "POSITION   PRIORITY   AGE     CONSUMER        NEEDS      WHY",
        "-          150        30s     default/binds   any host   its binding is not resolved yet",
        "1          290        3h10m   default/gpu     gpu        no host fits, free or not (2 of 2: it has no label gpu)",
        "2          160        10m     default/plain   any host   host host-1 is free for it",
        "1          160        10m     team-b/other    any host   there is no host in its pool",
      ),
    );
  });

  it("adds kind, pool, phase, host and request with -o wide", async () => {
    const io = memoryIo(objects);
    await runQueue({ namespace: "default", output: "wide" }, io);
    const [head, binds] = io.printed.out.split("\n").map((line) => line.split(/ {3,}/));
    assert.deepEqual(head?.slice(6), ["KIND", "POOL", "PHASE", "HOST", "REQUEST"]);
    assert.deepEqual(binds?.slice(6), [
      "Beskar7Machine",
      "PhysicalHost/default",
      "Binding",
      "host-2",
      "beskar7machine-binds",
    ]);
  });

  it("gives json and yaml the same content", async () => {
    const [json, yaml] = [memoryIo(objects), memoryIo(objects)];
    await runQueue({ namespace: "team-b", output: "json" }, json);
    await runQueue({ namespace: "team-b", output: "yaml" }, yaml);
    const answer = JSON.parse(json.printed.out);
    assert.deepEqual(
      [answer.namespace, answer.total, answer.entries[0].consumer.name],
      ["team-b", 1, "other"],
    );
    assert.deepEqual(parse(yaml.printed.out), answer);
  });

  it("says on standard error that nobody waits; as json that is an empty list", async () => {
    const [text, json] = [memoryIo([]), memoryIo([])];
    assert.equal(await runQueue({ namespace: "team-a", output: "text" }, text), 0);
    assert.deepEqual(text.printed, { out: "", err: "Nobody waits for a host in namespace team-a.\n" });
    await runQueue({ namespace: "", output: "json" }, json);
    assert.deepEqual(JSON.parse(json.printed.out).entries, []);
  });

  it("works where a kind is not installed, and says which", async () => {
    const io = memoryIo(objects, ["BareMetalHost", "Metal3Machine", "ClaimRequest"]);
    assert.equal(await runQueue({ namespace: "team-b", output: "text" }, io), 0);
    assert.match(io.printed.out, /team-b\/other/);
    assert.match(io.printed.err, /^baremetalhosts\.metal3\.io is not installed here$/m);
  });

  it("reads every page of a long list", async () => {
    const io = memoryIo(Array.from({ length: 1_201 }, (_, i) => machine(`m${i}`)));
    await runQueue({ namespace: "", output: "json" }, io);
    assert.equal(JSON.parse(io.printed.out).total, 1_201);
  });
});
