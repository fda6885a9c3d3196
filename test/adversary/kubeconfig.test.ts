import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { loadKubeConfig } from "../../src/kube/config.ts";

const numRuns = Number(process.env.ADVERSARY_RUNS ?? 400);

describe("a kubeconfig", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** It is read, or refused with a code of ours. */
  function isClear(text: string): void {
    const kubeconfig = join(folder, "config");
    writeFileSync(kubeconfig, text);
    try {
      assert.ok(loadKubeConfig({ kubeconfig, env: {} }).getCurrentCluster()?.server);
    } catch (error) {
      assert.match(String((error as { code?: unknown }).code), /^KUBECONFIG_/, `${error}\n${text}`);
    }
  }

  it("of any text is read, or refused with a code", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), isClear), { numRuns });
  });

  it("with anything in place of any of its parts is read, or refused with a code", () => {
    const junk = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("c", "https://127.0.0.1:1", "u"));
    const parts = fc.record(
      {
        apiVersion: junk,
        kind: junk,
        "current-context": fc.oneof(fc.constant("c"), junk),
        clusters: fc.oneof(
          junk,
          fc.array(
            fc.record({
              name: fc.oneof(fc.constant("c"), junk),
              cluster: fc.oneof(junk, fc.record({ server: junk })),
            }),
          ),
        ),
        users: fc.oneof(junk, fc.array(fc.record({ name: fc.oneof(fc.constant("u"), junk), user: junk }))),
        contexts: fc.oneof(
          junk,
          fc.array(
            fc.record({
              name: fc.oneof(fc.constant("c"), junk),
              context: fc.oneof(junk, fc.constant({ cluster: "c", user: "u" })),
            }),
          ),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(parts, (config) => isClear(stringify(config))),
      { numRuns },
    );
  });

  it("whose aliases would grow without end is refused, not followed", () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(",")}]`,
    );
    isClear(`l0: &l0 x\n${levels.join("\n")}\n`);
  });
});
