import type { Clock } from "../clock.ts";
import type { KubeApi } from "../kube/api.ts";

/** What a command that only looks has to do with the world outside. */
export interface CommandIo {
  readonly api: KubeApi;
  readonly clock: Pick<Clock, "wallMs">;
  /** Standard output; whole lines, without a line feed at the end. */
  out(text: string): void;
  /** Standard error, in the same form: what is no part of the answer. */
  err(text: string): void;
}
