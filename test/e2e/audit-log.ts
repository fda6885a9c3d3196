import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    {
      level: "Metadata",
      verbs: ["patch", "update"],
      resources: [{ group: "infrastructure.cluster.x-k8s.io", resources: ["physicalhosts"] }],
    },
    { level: "None" },
  ],
};

/** The API server's own audit log of writes on hosts. */
export class AuditLog {
  readonly #folder = mkdtempSync(join(tmpdir(), "audit-"));

  constructor() {
    writeFileSync(join(this.#folder, "policy.json"), JSON.stringify(POLICY));
  }

  get apiServerArgs(): string[] {
    return [
      `--audit-policy-file=${join(this.#folder, "policy.json")}`,
      `--audit-log-path=${join(this.#folder, "audit.log")}`,
    ];
  }

  /** What webhooks called `webhook` noted of each write on this host, in order; the others' notes left out. */
  annotationsOf(host: string, webhook: string): Record<string, string>[] {
    return readFileSync(join(this.#folder, "audit.log"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map(
        (line) => JSON.parse(line) as { objectRef: { name: string }; annotations?: Record<string, string> },
      )
      .filter(({ objectRef }) => objectRef.name === host)
      .map(({ annotations = {} }) =>
        Object.fromEntries(
          Object.entries(annotations)
            .filter(([key]) => key.startsWith(`${webhook}/`))
            .map(([key, value]) => [key.slice(webhook.length + 1), value]),
        ),
      )
      .filter((notes) => Object.keys(notes).length > 0);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
