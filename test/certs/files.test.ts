import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CertificateFiles } from "../../certs/files.ts";
import type { ServingCertificate } from "../../certs/source.ts";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import { ManualClock } from "./manual-clock.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const authority = createAuthority({ commonName: "test", ...validity });
const issue = () => issueServing(authority, { dnsNames: ["a"], ...validity });

/** A folder as the kubelet mounts a Secret: each file is a link through `..data`, which is swapped as a whole. */
class Mount {
  readonly folder = mkdtempSync(join(tmpdir(), "mount-"));
  #version = 0;

  constructor(t: TestContext, files: Record<string, string>) {
    t.after(() => rmSync(this.folder, { recursive: true }));
    this.swap(files);
    for (const name of Object.keys(files)) symlinkSync(join("..data", name), join(this.folder, name));
  }

  swap(files: Record<string, string>): void {
    this.#version += 1;
    const target = `..version-${this.#version}`;
    mkdirSync(join(this.folder, target));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, target, name), text);
    symlinkSync(target, join(this.folder, "..data_tmp"));
    renameSync(join(this.folder, "..data_tmp"), join(this.folder, "..data"));
  }
}

const files = ({ certPem, keyPem } = issue()) => ({
  "tls.crt": certPem,
  "tls.key": keyPem,
  "ca.crt": authority.certPem,
});

test("a swapped mount is taken over at once, without polling", { timeout: 10_000 }, async (t) => {
  const mount = new Mount(t, files());
  const source = new CertificateFiles({
    folder: mount.folder,
    clock: systemClock,
    log: silentLog,
    checkMs: 3_600_000,
  });
  const controller = new AbortController();
  t.after(() => controller.abort());
  await source.start(controller.signal);
  assert.equal(source.current().caPem, authority.certPem);
  const renewed = issue();
  const changed = new Promise<ServingCertificate>((resolve) => source.onChange(resolve));
  mount.swap(files(renewed));
  assert.equal((await changed).certPem, renewed.certPem);
  assert.equal(source.current().certPem, renewed.certPem);
});

const bad: Record<string, Record<string, string>> = {
  "a key of another certificate": { ...files(), "tls.key": issue().keyPem },
  "half a certificate": { ...files(), "tls.crt": "-----BEGIN CERTIFICATE-----\nMII" },
  "an authority that is none": { ...files(), "ca.crt": "x" },
  "a missing key": { "tls.crt": issue().certPem },
};
for (const [name, change] of Object.entries(bad)) {
  test(`${name} is refused and told once; the last good pair stays`, async (t) => {
    const good = files();
    const mount = new Mount(t, good);
    const refused: string[] = [];
    const source = new CertificateFiles({
      folder: mount.folder,
      clock: new ManualClock(Date.now()),
      log: silentLog,
      onRefused: (problem) => refused.push(problem),
    });
    await source.look();
    mount.swap(change);
    await source.look();
    await source.look();
    assert.equal(refused.length, 1);
    assert.equal(source.current().certPem, good["tls.crt"]);
    mount.swap(files());
    await source.look();
    assert.notEqual(source.current().certPem, good["tls.crt"]);
  });
}

test("files that come late are waited for, and no authority is needed", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mount-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = new ManualClock(Date.now());
  const controller = new AbortController();
  t.after(() => controller.abort());
  const source = new CertificateFiles({
    folder,
    clock,
    log: silentLog,
    onRefused() {
      const { certPem, keyPem } = issue();
      writeFileSync(join(folder, "tls.crt"), certPem);
      writeFileSync(join(folder, "tls.key"), keyPem);
      setImmediate(() => clock.advance(10_000));
    },
  });
  await source.start(controller.signal);
  assert.equal(source.current().caPem, "");
});
