import assert from "node:assert/strict";
import { test } from "node:test";
import { oneAtATime } from "../../certs/one-at-a-time.ts";

test("a task that is called while it runs begins again once it has ended", async () => {
  const order: string[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  let calls = 0;
  const look = oneAtATime(async () => {
    const call = calls++;
    order.push(`begins ${call}`);
    await gates[call]?.promise;
    order.push(`ends ${call}`);
  });
  const first = look();
  const second = look();
  gates[1].resolve();
  gates[0].resolve();
  await second;
  await first;
  assert.deepEqual(order, ["begins 0", "ends 0", "begins 1", "ends 1"]);
});
