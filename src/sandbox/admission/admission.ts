import type { KubeObject } from "../../kube/api.ts";
import type { Remarks } from "../audit.ts";
import type { UserInfo } from "../auth/user.ts";
import type { JsonObject } from "../json.ts";
import type { Resource } from "../resources/resource.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE";

/** One write as admission sees it. */
export interface AdmissionAttributes extends Remarks {
  readonly resource: Resource;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly operation: Operation;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Undefined for DELETE. */
  readonly object: KubeObject | undefined;
  /** Undefined for CREATE. */
  readonly oldObject: KubeObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** CreateOptions and so on, as reviews carry them. */
  readonly options: JsonObject;
}

/** Called around every write. Both reject with an ApiError to refuse it. */
export interface Admission {
  /** Before validation; `settle` prunes and defaults what a patch made. Resolves to the object to go on with. */
  mutate(attributes: AdmissionAttributes, settle: (object: KubeObject) => KubeObject): Promise<KubeObject>;
  /** After validation, with the object as it would be stored. */
  validate(attributes: AdmissionAttributes): Promise<void>;
}
