import type { Clock } from "../clock.ts";
import type { Admission } from "./admission/admission.ts";
import type { Auditor } from "./audit.ts";
import type { Authorizer } from "./auth/rbac.ts";
import type { TokenAuthority } from "./auth/tokens.ts";
import type { Registry } from "./registry.ts";
import type { Store } from "./store.ts";

/** What the parts of the pipeline share. */
export interface Core {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly admission: Admission;
  readonly authorize: Authorizer;
  readonly tokens: TokenAuthority;
  readonly audit: Auditor;
}
