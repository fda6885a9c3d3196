import assert from "node:assert/strict";
import { test } from "node:test";
import { sumSamples } from "./metrics.ts";

const TEXT = `# TYPE requests counter
requests{verb="GET",code="200"} 3
requests{verb="GET",code="404"} 4
requests{verb="PUT",code="200"} 5
requests_total 100
plain 2.5
`;

test("samples are summed over the labels that were not asked for", () => {
  assert.equal(sumSamples(TEXT, "requests"), 12);
  assert.equal(sumSamples(TEXT, "requests", { verb: "GET" }), 7);
  assert.equal(sumSamples(TEXT, "requests", { code: "200", verb: "PUT" }), 5);
  assert.equal(sumSamples(TEXT, "plain"), 2.5);
});

test("a metric that was never counted is 0", () => {
  assert.equal(sumSamples(TEXT, "requests", { verb: "DELETE" }), 0);
  assert.equal(sumSamples(TEXT, "none"), 0);
});
