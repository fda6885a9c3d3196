import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, test } from "node:test";

/** The rooms and what each may import of the others: design section 3, and nothing points backwards. */

const ROOT = join(import.meta.dirname, "..");
const FILES = globSync("{src,webhooks,certs}/**/*.ts", { cwd: ROOT }).filter(
  (path) => !path.endsWith(".gen.ts"),
);
const LARGEST_FILE_LINES = 400;

const LEAVES = ["src/clock.ts", "src/log.ts"];

const MAY_IMPORT: Record<string, readonly string[]> = {
  "src/claims": [],
  "src/clock.ts": [],
  "src/log.ts": [],
  "src/kube": LEAVES,
  "src/leader": ["src/claims", "src/kube", ...LEAVES],
  "src/hosts": ["src/claims", "src/kube"],
  "src/requests": ["src/claims", "src/kube"],
  "src/receipts": ["certs", "src/kube", ...LEAVES],
  "src/coordinator": [
    "src/claims",
    "src/hosts",
    "src/kube",
    "src/leader",
    "src/receipts",
    "src/requests",
    ...LEAVES,
  ],
  "src/workload": ["src/claims", "src/coordinator", "src/hosts", "src/kube", ...LEAVES],
  "src/stateless": ["src/claims", "src/coordinator", "src/hosts", "src/kube", "src/requests"],
  "src/metrics": [],
  "src/metrics.ts": ["src/claims", "src/metrics"],
  "src/config": [],
  "src/config.ts": ["src/config"],
  "src/version.ts": ["package.json"],
  "src/sandbox": ["certs", "src/clock.ts", "src/kube"],
  "src/queue": ["src/claims", "src/clock.ts", "src/coordinator", "src/leader", "src/requests", "webhooks"],
  certs: ["webhooks", "src/kube", ...LEAVES],
  webhooks: ["src/claims", "src/coordinator", "src/hosts", "src/kube", "src/receipts", ...LEAVES],
};

/** They put the others together, so they may import any of them but each other's commands and main.ts. */
const ROOTS = [
  "src/cli",
  "src/demo",
  "src/doctor",
  "src/main.ts",
  "src/manager.ts",
  "src/ops",
  "src/replica.ts",
];

/** "src/claims" for src/claims/queue.ts, "src/log.ts" for src/log.ts, "webhooks" for webhooks/review.ts. */
function roomOf(path: string): string {
  const parts = path.split("/");
  return parts[0] === "src" ? parts.slice(0, 2).join("/") : parts[0]!;
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [
    ...text.matchAll(/^(?:import|export)\b[^;]*?from\s+"([^"]+)"/gms),
    ...text.matchAll(/^import\s+"([^"]+)"/gm),
    ...text.matchAll(/import\("([^"]+)"\)/g),
  ].map((match) => match[1]!);
}

describe("the layout", () => {
  test("has files to look at", () => assert.ok(FILES.length > 100));

  for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
    test(`${room} imports ${allowed.length === 0 ? "no other room" : allowed.join(", ")} only`, () => {
      const wrong = FILES.filter((path) => roomOf(path) === room).flatMap((path) =>
        importsOf(path)
          .filter((target) => target.startsWith("."))
          .map((target) => normalize(join(dirname(path), target)))
          .filter((target) => roomOf(target) !== room && !allowed.includes(roomOf(target)))
          .map((target) => `${path} imports ${target}`),
      );
      assert.deepEqual(wrong, []);
    });
  }

  test("every room has its row", () => {
    const rooms = new Set(FILES.map(roomOf));
    assert.deepEqual([...rooms].sort(), [...Object.keys(MAY_IMPORT), ...ROOTS].sort());
  });

  test("nothing imports main.ts, and only commands and roots import commands", () => {
    const commands = ["src/cli", "src/demo", "src/main.ts"];
    const mayImportCommands = ["src/cli", "src/demo", "src/doctor", "src/main.ts"];
    const wrong = FILES.flatMap((path) =>
      importsOf(path)
        .filter((target) => target.startsWith("."))
        .map((target) => normalize(join(dirname(path), target)))
        .filter((target) => target === "src/main.ts" || commands.includes(roomOf(target)))
        .filter((target) => target === "src/main.ts" || !mayImportCommands.includes(roomOf(path)))
        .map((target) => `${path} imports ${target}`),
    );
    assert.deepEqual(wrong, []);
  });

  test("the decision core uses no package and no clock", () => {
    const wrong = FILES.filter((path) => path.startsWith("src/claims/")).filter((path) => {
      const text = readFileSync(join(ROOT, path), "utf8");
      return (
        importsOf(path).some((target) => !target.startsWith("./")) ||
        /\b(Date\.now|new Date|performance\.|process\.|Math\.random|setTimeout)/.test(text)
      );
    });
    assert.deepEqual(wrong, []);
  });

  test("the client library is imported in src/kube alone", () => {
    const wrong = FILES.filter((path) => !path.startsWith("src/kube/")).filter((path) =>
      importsOf(path).includes("@kubernetes/client-node"),
    );
    assert.deepEqual(wrong, []);
  });

  test("only clocks read the time, and only roots choose randomness", () => {
    const roots = /^src\/(clock|main|manager)\.ts$|^src\/(cli|demo|sandbox)\//;
    const wrong = FILES.filter((path) => !roots.test(path)).filter((path) =>
      /\b(Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|setTimeout\(|setInterval\()/.test(
        readFileSync(join(ROOT, path), "utf8"),
      ),
    );
    assert.deepEqual(wrong, ["src/log.ts"]);
  });

  test("no file is long, and none is called utils", () => {
    const long = FILES.filter(
      (path) => readFileSync(join(ROOT, path), "utf8").split("\n").length > LARGEST_FILE_LINES,
    );
    assert.deepEqual(long, []);
    assert.deepEqual(
      FILES.filter((path) => /util|helper|misc|common/i.test(path)),
      [],
    );
  });
});
