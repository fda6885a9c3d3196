import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FLAG_FIELDS, flagSpec } from "../../src/config/flags.ts";
import {
  type Config,
  formatProblems,
  parseConfig,
  renderFlagsMarkdown,
  renderHelp,
} from "../../src/config.ts";

function good(argv: string[], env: Record<string, string> = {}): Config {
  const result = parseConfig(argv, env);
  assert(result.ok, result.ok ? "" : formatProblems(result.problems));
  return result.config;
}

function problemsOf(argv: string[], env: Record<string, string> = {}): string {
  const result = parseConfig(argv, env);
  assert(!result.ok, "no problem was found");
  return formatProblems(result.problems);
}

const IN_CLUSTER = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };

describe("the command", () => {
  const cases: [fact: string, argv: string[], env: Record<string, string>, want: string][] = [
    ["nothing outside a cluster is the demo", [], {}, "demo"],
    ["nothing inside a cluster is the manager", [], IN_CLUSTER, "manager"],
    ["flags first are the manager's", ["--lease-name=x"], {}, "manager"],
    ["a flag that only the demo has is the demo's", ["--once"], {}, "demo"],
    ["wherever it stands among others", ["--zap-log-level=debug", "-seed", "7"], {}, "demo"],
    ["its name as another flag's value is no flag", ["--webhook-cert-dir", "--once"], {}, "manager"],
    ["a word is the command, in a cluster too", ["queue"], IN_CLUSTER, "queue"],
    ["--help anywhere is help", ["manager", "--help", "--lease-name="], {}, "help"],
    ["-h alone is help", ["-h"], {}, "help"],
    ["--version is a command", ["--version"], IN_CLUSTER, "version"],
  ];
  for (const [fact, argv, env, want] of cases) {
    it(fact, () => assert.equal(good(argv, env).command, want));
  }

  it("inside a cluster flags are the manager's, and one that only the demo has is refused", () => {
    assert.match(
      problemsOf(["--once"], IN_CLUSTER),
      /--once: got manager, want a command that takes it: demo/,
    );
  });

  it("help knows which command it was asked about", () => {
    assert.deepEqual(good(["manager", "--help"]).args, ["manager"]);
    assert.deepEqual(good(["help", "queue"]).args, ["queue"]);
    assert.deepEqual(good(["--help"]).args, []);
  });

  it("a misspelt command is answered with the nearest one", () => {
    assert.match(problemsOf(["expalin", "x"]), /did you mean explain/);
    assert.match(problemsOf(["help", "manger"]), /did you mean manager/);
  });

  it("explain wants exactly one argument, manager none", () => {
    assert.deepEqual(good(["explain", "m-1", "-o", "json"]).args, ["m-1"]);
    assert.match(problemsOf(["explain"]), /got nothing, want explain/);
    assert.match(problemsOf(["manager", "x"]), /got x, want none/);
  });
});

describe("flags", () => {
  it("the arguments of the seed's Deployment work unchanged", () => {
    const config = good(
      [
        "--leader-elect=true",
        "--enable-claim-coordinator-leader-election=true",
        "--claim-coordinator-lease-duration=15s",
        "--claim-coordinator-renew-deadline=10s",
        "--claim-coordinator-retry-period=2s",
      ],
      { ...IN_CLUSTER, POD_NAME: "b7-0", POD_NAMESPACE: "metal" },
    );
    assert.equal(config.command, "manager");
    assert.equal(config.leaderElection, true);
    assert.deepEqual(
      [config.leaseDurationMs, config.renewDeadlineMs, config.retryPeriodMs],
      [15_000, 10_000, 2_000],
    );
    assert.equal(config.podName, "b7-0");
    assert.equal(config.leaseNamespace, "metal");
  });

  it("every way in which Go writes a flag means the same", () => {
    for (const argv of [["--lease-name=a"], ["--lease-name", "a"], ["-lease-name=a"], ["-lease-name", "a"]]) {
      assert.equal(good(argv).leaseName, "a");
    }
    assert.equal(good(["--enable-claim-coordinator-leader-election"]).leaderElection, true);
    assert.equal(good(["--enable-claim-coordinator-leader-election=F"]).leaderElection, false);
  });

  it("a boolean never takes the next word", () => {
    assert.match(problemsOf(["--enable-claim-coordinator-leader-election", "false"]), /arguments: got false/);
  });

  it("of a flag given twice the last one counts, but lists grow", () => {
    assert.equal(good(["--lease-name=a", "--lease-name=b"]).leaseName, "b");
    const { holderServiceAccounts } = good([
      "--holder-service-accounts=a:b",
      "--holder-service-accounts=c:d.e, f:g",
    ]);
    assert.deepEqual(holderServiceAccounts, [
      { namespace: "a", name: "b" },
      { namespace: "c", name: "d.e" },
      { namespace: "f", name: "g" },
    ]);
  });

  it("addresses are Go's, and 0 turns metrics off but not the webhooks", () => {
    assert.deepEqual(good(["--webhook-bind-address=[::1]:9443"]).webhookBindAddress, {
      host: "::1",
      port: 9443,
    });
    assert.deepEqual(good(["--metrics-bind-address=127.0.0.1:0"]).metricsBindAddress, {
      host: "127.0.0.1",
      port: 0,
    });
    assert.equal(good(["--metrics-bind-address=0"]).metricsBindAddress, null);
    assert.match(problemsOf(["--webhook-bind-address=0"]), /want host:port/);
    assert.match(problemsOf(["--webhook-bind-address=:65536"]), /want host:port/);
  });

  it("an unknown flag is answered with the nearest one, and its value is not lost as an argument", () => {
    assert.match(problemsOf(["--leas-name=a"]), /did you mean --lease-name/);
    assert.match(problemsOf(["--zzzzzzzz=a"]), /--help lists them/);
  });

  it("a flag of another command names the commands that take it", () => {
    assert.match(
      problemsOf(["manager", "--once"]),
      /--once: got manager, want a command that takes it: demo/,
    );
  });

  it("an issuer and its key set come together", () => {
    assert.match(problemsOf(["--oidc-issuer=https://k"]), /--oidc-jwks: got "", want a value/);
    good(["--oidc-issuer=https://k", "--oidc-jwks=/keys"]);
  });

  it("wide is for the tables only", () => {
    assert.match(problemsOf(["doctor", "-o", "wide"]), /want text, json or yaml/);
    assert.equal(good(["queue", "-o=wide"]).output, "wide");
  });

  it("install takes its namespace from -n, the manager from POD_NAMESPACE", () => {
    assert.equal(good(["install", "-n", "metal"]).serviceNamespace, "metal");
    assert.equal(good(["manager"], { POD_NAMESPACE: "pods" }).serviceNamespace, "pods");
    assert.equal(good(["queue", "-n", "pool"]).serviceNamespace, "beskar7-system");
  });
});

describe("--stateless", () => {
  it("goes with nothing that needs a replica which knows the cluster at all times", () => {
    const problems = problemsOf([
      "manager",
      "--stateless",
      "--enable-claim-coordinator-leader-election",
      "--release-orphaned-hosts",
    ]);
    for (const flag of ["enable-claim-coordinator-leader-election", "release-orphaned-hosts"]) {
      assert.ok(problems.includes(`--${flag}: got true, want false, since --stateless is given`), problems);
    }
    assert.equal(good(["manager", "--stateless"]).stateless, true);
  });
});

describe("lease times", () => {
  const cases: [fact: string, argv: string[], want: RegExp][] = [
    [
      "lease duration equal to the renew deadline",
      ["--claim-coordinator-lease-duration=10s"],
      /want more than .*renew/,
    ],
    [
      "renew deadline of 1.2 retry periods",
      ["--claim-coordinator-renew-deadline=2400ms"],
      /want more than 1.2 x/,
    ],
    ["zero", ["--claim-coordinator-retry-period=0"], /want a duration/],
    ["negative", ["--claim-coordinator-retry-period=-2s"], /want a duration/],
    [
      "part of a second in what the Lease stores",
      ["--claim-coordinator-lease-duration=15500ms"],
      /whole seconds/,
    ],
    ["a number without a unit", ["--claim-coordinator-lease-duration=15"], /want whole seconds such as 15s/],
  ];
  for (const [fact, argv, want] of cases) {
    it(`are refused with ${fact}`, () => assert.match(problemsOf(argv), want));
  }

  it("are reported all at once", () => {
    const all = problemsOf([
      "--claim-coordinator-lease-duration=5s",
      "--claim-coordinator-retry-period=9s",
      "--max-concurrent-bindings=0",
      "--nothing",
    ]);
    assert.equal(all.trim().split("\n").length, 4, all);
  });
});

describe("any command line", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(...FLAG_FIELDS.map((field) => `--${flagSpec(field).flag}`)),
    fc
      .tuple(fc.constantFrom(...FLAG_FIELDS), fc.string())
      .map(([field, value]) => `--${flagSpec(field).flag}=${value}`),
  );

  it("gives a frozen config or problems that name a place and a remedy, never an exception", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
        const result = parseConfig(argv, {});
        if (result.ok) return assert(Object.isFrozen(result.config));
        assert(result.problems.length > 0);
        for (const { path, want } of result.problems) assert(path !== "" && want !== "");
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("documentation", () => {
  it("every default is a value that its own flag takes", () => {
    for (const field of FLAG_FIELDS) {
      const spec = flagSpec(field);
      assert("value" in spec.parse(spec.default), spec.flag);
    }
  });

  it("no two flags share a name", () => {
    const names = FLAG_FIELDS.map(flagSpec).flatMap(({ flag, short }) =>
      short === undefined ? [flag] : [flag, short],
    );
    assert.equal(new Set(names).size, names.length);
  });

  it("help shows a flag under each command that takes it, with default and unit", () => {
    assert.match(
      renderHelp("manager"),
      /--claim-coordinator-lease-duration=duration {2}\(1s to 1h, .*default 15s\)/,
    );
    assert.doesNotMatch(renderHelp("queue"), /lease-duration/);
    assert.match(renderHelp(), /doctor/);
  });

  it("docs/flags.md is what the table says; UPDATE_DOCS=1 rewrites it", () => {
    const file = new URL("../../docs/flags.md", import.meta.url);
    if (process.env.UPDATE_DOCS === "1") {
      writeFileSync(file, renderFlagsMarkdown());
    }
    assert.equal(readFileSync(file, "utf8"), renderFlagsMarkdown());
  });
});
