import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import express from "express";
import { createAuth } from "../../src/ops/auth.ts";
import { requireAccess } from "../../src/ops/auth-middleware.ts";

const auth = createAuth({
  checkToken: async (token) => ({ username: token, uid: "", groups: [], extra: {} }),
  checkAccess: async ({ username }) => username === "alice",
  onFailure: () => {},
});
const app = express();
const guard = requireAccess(auth, ({ path }) => (path === "/free" ? undefined : { verb: "get", path }));
app.get("/{*any}", guard, (_request, response) => void response.send(response.locals.user.username));

const cases: {
  name: string;
  headers: Record<string, string>;
  path: string;
  status: number;
  challenge?: boolean;
  body?: string;
}[] = [
  { name: "nobody", headers: {}, path: "/metrics", status: 401, challenge: true },
  {
    name: "somebody without rights",
    headers: { authorization: "Bearer bob" },
    path: "/metrics",
    status: 403,
  },
  {
    name: "who asks for what has no rights",
    headers: { authorization: "Bearer alice" },
    path: "/free",
    status: 403,
  },
  {
    name: "who may",
    headers: { authorization: "Bearer alice" },
    path: "/metrics",
    status: 200,
    body: "alice",
  },
];
for (const { name, headers, path, status, challenge = false, body } of cases) {
  test(`${name} gets ${status}, and no cache keeps the answer`, async (t) => {
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    const text = await answer.text();
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.has("www-authenticate"), challenge);
    if (body !== undefined) assert.equal(text, body);
  });
}
