import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ClientAuthority } from "../../certs/client-authority.ts";
import { createAuthority } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { RecordingLog } from "../support/recording-log.ts";
import { ManualClock } from "./manual-clock.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const newAuthority = () => createAuthority({ commonName: "clients", ...validity }).certPem;

/** A file that is replaced as a whole, as most tools write. */
function authorityFile(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "authority-"));
  const controller = new AbortController();
  t.after(() => {
    controller.abort();
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, "ca.crt");
  const write = (pem: string) => {
    writeFileSync(`${path}.new`, pem);
    renameSync(`${path}.new`, path);
    return pem;
  };
  return { path, write, signal: controller.signal };
}

describe("a client authority", () => {
  test("that can't be used at the beginning is an error that names its file", async (t) => {
    const { path, write, signal } = authorityFile(t);
    const options = { path, clock: systemClock, log: new RecordingLog() };
    await assert.rejects(new ClientAuthority(options).start(signal), new RegExp(path));
    write("");
    await assert.rejects(new ClientAuthority(options).start(signal), new RegExp(path));
    const authority = new ClientAuthority(options);
    const pem = write(newAuthority());
    await authority.start(signal);
    assert.equal(authority.current(), pem);
  });

  test("that changes is taken over at once, without polling", { timeout: 10_000 }, async (t) => {
    const { path, write, signal } = authorityFile(t);
    write(newAuthority());
    const log = new RecordingLog();
    const authority = new ClientAuthority({ path, clock: systemClock, log, checkMs: 3_600_000 });
    await authority.start(signal);
    const changed = new Promise<void>((resolve) => authority.onChange(resolve));
    const pem = write(newAuthority());
    await changed;
    assert.equal(authority.current(), pem);
  });

  test("that becomes unusable is told once, and the last good one stays", async (t) => {
    const { path, write, signal } = authorityFile(t);
    const good = write(newAuthority());
    const log = new RecordingLog();
    const authority = new ClientAuthority({ path, clock: new ManualClock(Date.now()), log });
    await authority.start(signal);
    let changes = 0;
    authority.onChange(() => {
      changes += 1;
    });
    write("-----BEGIN CERTIFICATE-----\nMII");
    await authority.look();
    await authority.look();
    assert.equal(log.count("The client authority is unusable; the last good one stays"), 1);
    assert.deepEqual([authority.current(), changes], [good, 0]);
    const pem = write(newAuthority());
    await authority.look();
    await authority.look();
    assert.deepEqual([authority.current(), changes], [pem, 1]);
  });
});
