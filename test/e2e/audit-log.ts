import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const HOST_WRITES = {
  level: "Metadata",
  verbs: ["patch", "update"],
  resources: [{ group: "infrastructure.cluster.x-k8s.io", resources: ["physicalhosts"] }],
};

/** One request as the API server saw it: "watch" is a verb of its own. */
export interface Audited {
  readonly verb: string;
  readonly user: { readonly username: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: { readonly resource: string; readonly subresource?: string; readonly name?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The API server's own audit log: of writes on hosts, unless another rule says what is kept. */
export class AuditLog {
  readonly #folder = mkdtempSync(join(tmpdir(), "audit-"));

  constructor(rule: object = HOST_WRITES) {
    const policy = {
      apiVersion: "audit.k8s.io/v1",
      kind: "Policy",
      omitStages: ["RequestReceived"],
      rules: [rule, { level: "None" }],
    };
    writeFileSync(join(this.#folder, "policy.json"), JSON.stringify(policy));
  }

  get apiServerArgs(): string[] {
    return [
      `--audit-policy-file=${join(this.#folder, "policy.json")}`,
      `--audit-log-path=${join(this.#folder, "audit.log")}`,
    ];
  }

  /** In the order in which they were answered; a watch when it began. */
  requests(): Audited[] {
    return readFileSync(join(this.#folder, "audit.log"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Audited);
  }

  /** What webhooks called `webhook` noted of each write on this host, in order; the others' notes left out. */
  annotationsOf(host: string, webhook: string): Record<string, string>[] {
    return this.requests()
      .filter(({ objectRef }) => objectRef?.name === host)
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
