import type { Remarks } from "./audit.ts";
import type { UserInfo } from "./auth/user.ts";
import type { FieldValidation } from "./decode.ts";
import type { JsonObject } from "./json.ts";
import type { ApiRequest, RequestInfo } from "./request.ts";
import { type FieldError, forbiddenValue, invalid, notSupported, requiredValue, tooLong } from "./status.ts";

export const APPLY_PATCH = "application/apply-patch+yaml";

/** A write with everything but its object. */
export interface WriteContext extends Remarks {
  readonly user: UserInfo;
  readonly namespace: string | undefined;
  /** From the URL; empty for a create. */
  readonly name: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  readonly manager: string;
  readonly force: boolean;
  readonly fieldValidation: FieldValidation;
  /** As admission reviews carry them. */
  readonly options: JsonObject;
}

export type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions";

/** Reads and checks the query of a create, update or patch. @throws ApiError 422 */
export function writeContext(
  kind: OptionsKind,
  request: ApiRequest,
  info: RequestInfo,
  user: UserInfo,
  remarks: Remarks,
  applying = false,
): WriteContext {
  const { query } = info;
  const dryRun = query.getAll("dryRun").filter((each) => each !== "");
  const fieldManager = query.get("fieldManager") ?? "";
  const fieldValidation = query.get("fieldValidation") || "Warn";
  const force = query.get("force");
  const errors: FieldError[] = [];
  if (dryRun.some((each) => each !== "All")) errors.push(notSupported("dryRun", dryRun, ["All"]));
  if (applying && fieldManager === "")
    errors.push(requiredValue("fieldManager", "is required for apply patch"));
  errors.push(...managerProblems(fieldManager));
  if (kind === "PatchOptions" && !applying && force !== null) {
    errors.push(forbiddenValue("force", "may not be specified for non-apply patch"));
  }
  if (!["Strict", "Warn", "Ignore"].includes(fieldValidation)) {
    errors.push(notSupported("fieldValidation", fieldValidation, ["", "Ignore", "Strict", "Warn"]));
  }
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", errors);
  const { namespace, name, subresource } = info.resource as NonNullable<RequestInfo["resource"]>;
  return {
    user,
    namespace,
    name,
    subresource,
    dryRun: dryRun.length > 0,
    manager: fieldManager || managerOf(request.userAgent),
    force: force === "true",
    fieldValidation: fieldValidation as FieldValidation,
    options: {
      kind,
      apiVersion: "meta.k8s.io/v1",
      ...(dryRun.length > 0 ? { dryRun } : {}),
      ...(force === "true" ? { force: true } : {}),
      ...(fieldManager ? { fieldManager } : {}),
      ...(query.get("fieldValidation") ? { fieldValidation } : {}),
    },
    ...remarks,
  };
}

/** Source: the API server's FieldManagerMaxLength. */
const MANAGER_MAX_BYTES = 128;

function managerProblems(manager: string): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > MANAGER_MAX_BYTES) errors.push(tooLong("fieldManager", MANAGER_MAX_BYTES));
  let position = 0;
  for (const character of manager) {
    if (/[\p{C}\p{Zl}\p{Zp}]/u.test(character)) {
      const code = (character.codePointAt(0) as number).toString(16);
      const shown = manager.replace(
        /\p{Cc}/gu,
        (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`,
      );
      const why = `invalid character U+${code.toUpperCase().padStart(4, "0")} (at position ${position})`;
      const message = `Invalid value: "${shown}": ${why}`;
      errors.push({ reason: "FieldValueInvalid", message, field: "fieldManager" });
    }
    position += Buffer.byteLength(character);
  }
  return errors;
}

/** As in the API server: the program's name, before the first slash of the User-Agent. */
function managerOf(userAgent: string | undefined): string {
  return (userAgent ?? "").split("/")[0]?.slice(0, 128) || "unknown";
}
