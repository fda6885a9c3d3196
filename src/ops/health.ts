import { type RequestHandler, Router } from "express";

/** One thing that must hold; `check` reads memory only, so that probes stay quick whatever else is slow. */
export interface HealthCheck {
  /** A word, as in "mirror" or "certificate". */
  readonly name: string;
  /** `why` says what is wrong, or what holds; it may be empty when ok. */
  check(): { readonly ok: boolean; readonly why: string };
}

export interface HealthChecks {
  /** What only a restart can mend. */
  readonly live: readonly HealthCheck[];
  /** What reviews need; while one fails, the API server should send them to another replica. */
  readonly ready: readonly HealthCheck[];
}

interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly why: string;
}

/**
 * /livez and its older name /healthz, and /readyz: 200 when every check holds, else 503, each check with its
 * reason either way. Plain text in the form of the API server's own; JSON for who asks with Accept.
 */
export function healthRouter(checks: HealthChecks): Router {
  const router = Router();
  router.get("/healthz", answer("healthz", checks.live));
  router.get("/livez", answer("livez", checks.live));
  router.get("/readyz", answer("readyz", checks.ready));
  return router;
}

function answer(endpoint: string, checks: readonly HealthCheck[]): RequestHandler {
  return (request, response) => {
    const results = checks.map(run);
    const ok = results.every((result) => result.ok);
    response.status(ok ? 200 : 503);
    if (request.accepts(["text", "json"]) === "json") response.json({ ok, checks: results });
    else response.type("text/plain").send(asText(endpoint, ok, results));
  };
}

function run({ name, check }: HealthCheck): CheckResult {
  try {
    const { ok, why } = check();
    return { name, ok, why };
  } catch (error) {
    // A check that fails itself says nothing good; the others must still be told.
    return {
      name,
      ok: false,
      why: `the check failed: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

function asText(endpoint: string, ok: boolean, results: readonly CheckResult[]): string {
  const lines = results.map(
    (result) =>
      `[${result.ok ? "+" : "-"}]${result.name} ${result.ok ? "ok" : "failed"}${result.why && `: ${result.why}`}`,
  );
  return `${[...lines, `${endpoint} check ${ok ? "passed" : "failed"}`].join("\n")}\n`;
}
