import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import { readKeySet } from "../../src/receipts/key-set.ts";
import { newKey, signed } from "../receipts/signed.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const DAY_MS = 24 * 3_600_000;

describe("verify --jwks, where there is no cluster", () => {
  const folder = mkdtempSync(join(tmpdir(), "verify-"));
  const file = (name: string) => join(folder, name);
  let server: Server;
  let url: string;
  let receipt: string;

  before(async () => {
    const ours = await newKey({ clock: systemClock, log: silentLog });
    receipt = await signed(ours, { consumer: "Beskar7Machine/default/machine-1" });
    writeFileSync(file("jwks.json"), JSON.stringify(ours.jwks()));
    const others = await newKey({ clock: systemClock, log: silentLog });
    writeFileSync(file("others.json"), JSON.stringify(others.jwks()));
    writeFileSync(file("no-keys.json"), '{"keys":"none"}');
    const validity = { notBeforeMs: Date.now() - DAY_MS, notAfterMs: Date.now() + DAY_MS };
    const authority = createAuthority({ commonName: "test", ...validity });
    const serving = issueServing(authority, {
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1"],
      ...validity,
    });
    writeFileSync(file("ca.crt"), authority.certPem);
    const pair = { key: serving.keyPem, cert: serving.certPem };
    server = createServer(pair, ({ url: path }, response) => {
      const known = path === "/.well-known/jwks.json";
      response.writeHead(known ? 200 : 404).end(known ? JSON.stringify(ours.jwks()) : "");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`;
  });
  after(() => {
    server?.close();
    rmSync(folder, { recursive: true });
  });

  /** The command in a process of its own, with nothing that names a cluster. */
  function verify(jwks: string): Promise<{ code: number; stdout: string; stderr: string }> {
    const args = ["src/main.ts", "verify", receipt, "-o", "json", `--jwks=${jwks}`];
    const env = { PATH: process.env.PATH, HOME: folder, NODE_EXTRA_CA_CERTS: file("ca.crt") };
    return new Promise((resolve) => {
      execFile(process.execPath, args, { cwd: ROOT, env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  it("knows a genuine receipt by the keys of a file, and by those of an https URL", async () => {
    for (const source of [file("jwks.json"), url]) {
      const { code, stdout, stderr } = await verify(source);
      assert.deepEqual([code, stderr], [0, ""], source);
      const { genuine, receipt: said } = JSON.parse(stdout);
      assert.deepEqual([genuine, said.consumer], [true, "Beskar7Machine/default/machine-1"]);
    }
  });

  it("fails a receipt that none of these keys signed", async () => {
    const { code, stdout } = await verify(file("others.json"));
    assert.deepEqual([code, JSON.parse(stdout).code], [1, "RECEIPT_UNKNOWN_KEY"]);
  });

  it("gives no verdict without keys, and says why there are none", async () => {
    const { code, stdout, stderr } = await verify(`${url}/other`);
    const why = `the keys of ${url}/other can't be read: the server answered 404\n`;
    assert.deepEqual([code, stdout, stderr], [1, "", why]);
  });

  const unusable: [what: string, source: () => string, said: RegExp][] = [
    ["a file that is not there", () => file("missing.json"), /^KeySetError: the keys of \S+ can't be read$/],
    ["a file without a key set", () => file("no-keys.json"), /no-keys\.json holds no JSON Web Key Set$/],
    ["a server that nobody vouches for", () => url, /can't be read$/],
    ["plain http", () => url.replace("https", "http"), /keys are only taken over https$/],
  ];
  for (const [what, source, said] of unusable) {
    it(`takes no keys from ${what}`, () => assert.rejects(readKeySet(source()), said));
  }
});
