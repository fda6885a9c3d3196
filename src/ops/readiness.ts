import type { HealthCheck } from "./health.ts";

/**
 * What a replica still lacks before reviews may be sent to it, told from its first moment on: each part says what
 * is missing until it says null.
 */
export class Readiness {
  #identity: string | null = "the API server has not said yet how it sees this replica";
  #certificate: () => string | null = () => "there is no serving certificate yet";
  #port: string | null = "the webhook's port is not open yet";
  #mirrors: () => string | null = () => "nothing is followed yet";
  #draining = false;

  identified(): void {
    this.#identity = null;
  }

  certificateFrom(problem: () => string | null): void {
    this.#certificate = problem;
  }

  portOpened(): void {
    this.#port = null;
  }

  mirrorsFrom(problem: () => string | null): void {
    this.#mirrors = problem;
  }

  drain(): void {
    this.#draining = true;
  }

  checks(): HealthCheck[] {
    const check = (name: string, problem: () => string | null): HealthCheck => ({
      name,
      check() {
        const why = problem();
        return { ok: why === null, why: why ?? "" };
      },
    });
    return [
      check("identity", () => this.#identity),
      check("certificate", () => this.#certificate()),
      check("port", () => this.#port),
      check("mirrors", () => this.#mirrors()),
      check("shutdown", () => (this.#draining ? "this replica is shutting down" : null)),
    ];
  }
}
