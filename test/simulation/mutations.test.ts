import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MUTATIONS } from "./mutations.ts";

const MUTANT = fileURLToPath(new URL("mutant.ts", import.meta.url));

describe("the simulation notices that", { concurrency: 2 }, () => {
  for (const { name, caught } of MUTATIONS) {
    it(name, async () => {
      const env = { ...process.env, SIM_MUTATION: name };
      const { stdout } = await promisify(execFile)(process.execPath, [MUTANT], { env });
      const { seed, violations } = JSON.parse(stdout || '{"seed":0,"violations":["nothing"]}') as {
        seed: number;
        violations: string[];
      };
      assert.match(violations.join("\n"), caught, `seed ${seed}`);
    });
  }
});
