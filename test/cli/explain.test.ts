import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runExplain } from "../../src/cli/explain.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { heldBy, host, machine, needing, request } from "../queue/objects.ts";
import { minutesAgo } from "../queue/world.ts";
import { memoryIo } from "./memory-io.ts";

const objects = [
  machine("gpu", { creationTimestamp: minutesAgo(190), ...needing("gpu") }),
  machine("plain", { creationTimestamp: minutesAgo(20) }),
  request("plain"),
  machine("has", { waiting: false }),
  machine("twice"),
  machine("twice", { namespace: "team-b" }),
  host("host-1"),
  host("host-2", { state: "Error", labels: { gpu: "" } }),
  host("host-3", heldBy("has")),
];
const lines = (...all: string[]) => `${all.join("\n")}\n`;

async function explain(
  argument: string,
  options: {
    namespace?: string;
    output?: "text" | "wide" | "json";
    seen?: KubeObject[];
    absent?: string[];
  } = {},
) {
  const io = memoryIo(options.seen ?? objects, options.absent);
  const { namespace = "", output = "text" } = options;
  const code = await runExplain({ namespace, output, args: [argument] }, io);
  return { code, ...io.printed };
}

describe("explain MACHINE", () => {
  it("tells where it stands, who is ahead, and of each host whether it fits", async () => {
    assert.deepEqual(await explain("machine/plain"), {
      code: 0,
      err: "",
      out: lines(
        "Machine:    Beskar7Machine default/plain",
        "Position:   2 of PhysicalHost in default",
        "Priority:   170",
        "Age:        20m",
        "Needs:      any host",
        "Phase:      Pending",
        "Request:    beskar7machine-plain",
        "Why:        host host-1 is free for it",
        "",
        "AHEAD   CONSUMER                     NEEDS",
        "1       Beskar7Machine default/gpu   gpu",
        "",
        "HOST     STATE         VERDICT          REASON",
        "host-1   Free          gets it          -",
        "host-2   Unavailable   fits, not free   its state is Error",
        "host-3   Held          fits, not free   it is held by Beskar7Machine default/has",
      ),
    });
  });

  it("tells every reason against a host with -o wide, the first one without", async () => {
    const verdict = /host-3 +Held +does not fit +(.*)/;
    assert.equal(verdict.exec((await explain("gpu")).out)?.[1], "it has no label gpu");
    assert.equal(
      verdict.exec((await explain("gpu", { output: "wide" })).out)?.[1],
      "it has no label gpu; it is held by Beskar7Machine default/has",
    );
  });

  const ways = ["plain", "machine/plain", "Beskar7Machine/plain", "beskar7machines/plain", "default/plain"];
  for (const way of [...ways, "claimreq/beskar7machine-plain"]) {
    it(`finds it as ${way}`, async () => {
      const { out } = await explain(way, { output: "json" });
      assert.equal(JSON.parse(out).entry.consumer.name, "plain");
    });
  }
});

describe("explain a machine that", () => {
  it("has a host has no position", async () => {
    const { out } = await explain("has");
    assert.match(out, /^Position: +none$/m);
    assert.match(out, /^Host: +host-3$/m);
    assert.match(out, /^host-3 +Held +has it/m);
  });

  it("many are ahead of is shown the first of them", async () => {
    const crowd = Array.from({ length: 40 }, (_, n) =>
      machine(`m${n}`, { creationTimestamp: minutesAgo(100 - n) }),
    );
    const { out } = await explain("m39", { seen: crowd });
    const shown = out.split("\n").filter((line) => /^\d+ +Beskar7Machine/.test(line)).length;
    assert.ok(shown > 0 && shown < 39);
    assert.match(out, new RegExp(`^\\.\\.\\. and ${39 - shown} more$`, "m"));
  });

  it("nothing but a host speaks of is not explained", async () => {
    const { code, err } = await explain("machine/ghost", { seen: [host("host-9", heldBy("ghost"))] });
    assert.equal(code, 1);
    assert.match(err, /ghost/);
  });

  it("is looked for where kinds are not installed, which is said", async () => {
    const { code, err } = await explain("plain", { absent: ["BareMetalHost", "Metal3Machine"] });
    assert.equal(code, 0);
    assert.match(err, /baremetalhosts\S* is not installed here\n/);
  });
});

describe("explain HOST", () => {
  it("tells that nobody waits for it", async () => {
    const { out } = await explain("host-1", { seen: [host("host-1")] });
    assert.match(out, /^Goes to: +nobody that waits$/m);
    assert.match(out, /^Fits: +0 of 0 waiting claims$/m);
    assert.doesNotMatch(out, /POSITION/);
  });

  it("tells who would get one that is held, and which waiting claims it fits", async () => {
    assert.deepEqual(await explain("host/host-3"), {
      code: 0,
      err: "",
      out: lines(
        "Host:          PhysicalHost default/host-3",
        "State:         Held: it is held by Beskar7Machine default/has",
        "Consumer:      Beskar7Machine default/has",
        "Would go to:   Beskar7Machine default/twice",
        "Fits:          2 of 3 waiting claims",
        "",
        "POSITION   CONSUMER                       NEEDS",
        "2          Beskar7Machine default/plain   any host",
        "3          Beskar7Machine default/twice   any host",
      ),
    });
  });

  it("says to whom a free one goes", async () => {
    assert.match((await explain("host-1")).out, /^Goes to: +Beskar7Machine default\/plain$/m);
  });
});

describe("explain what can't be explained", () => {
  it("names the choices where several have the name, and takes one of them", async () => {
    const { code, err, out } = await explain("twice");
    const choices = ["explain -n default beskar7machine/twice", "explain -n team-b beskar7machine/twice"];
    assert.deepEqual(
      [code, err, out],
      [1, lines("several have that name:", ...choices.map((c) => `  ${c}`)), ""],
    );
    assert.equal((await explain("beskar7machine/twice", { namespace: "team-b" })).code, 0);
  });

  const cases: [argument: string, code: number, err: string][] = [
    ["nothing", 1, "no machine and no host nothing is known\n"],
    ["host/plain", 1, "no host plain is known\n"],
    [
      "pod/plain",
      2,
      "pod is no kind that can be explained: machine/NAME, host/NAME, request/NAME, or a kind's own name\n",
    ],
  ];
  for (const [argument, code, err] of cases) {
    it(`${argument}: exit code ${code}`, async () => {
      assert.deepEqual(await explain(argument), { code, err, out: "" });
    });
  }
});
