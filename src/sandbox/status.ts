import type { KubeStatus } from "../kube/api.ts";

/** What an error names: a resource type, as in the URL. */
export interface GroupResource {
  readonly group: string;
  readonly plural: string;
}
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** One entry of details.causes of a 422: what is wrong with which field. */
export interface FieldError {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** Carries a metav1.Status out of the depth of a request; the border turns it into the answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: KubeStatus;

  constructor(status: Omit<KubeStatus, "kind" | "apiVersion" | "metadata" | "status">) {
    super(status.message);
    const { message, reason, details, code } = status;
    this.status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      ...(message === undefined ? {} : { message }),
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      ...(code === undefined ? {} : { code }),
    };
  }
}

export function qualified({ group, plural }: GroupResource): string {
  return group === "" ? plural : `${plural}.${group}`;
}

function detailsOf({ group, plural }: GroupResource, name?: string): NonNullable<KubeStatus["details"]> {
  return { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: plural };
}

export function notFound(resource: GroupResource, name: string): ApiError {
  return new ApiError({
    code: 404,
    reason: "NotFound",
    message: `${qualified(resource)} "${name}" not found`,
    details: detailsOf(resource, name),
  });
}

/** @param deleting whether the one that exists is on its way out */
export function alreadyExists(resource: GroupResource, name: string, deleting = false): ApiError {
  return new ApiError({
    code: 409,
    reason: "AlreadyExists",
    message: `${deleting ? "object is being deleted: " : ""}${qualified(resource)} "${name}" already exists`,
    details: detailsOf(resource, name),
  });
}

export function conflict(resource: GroupResource, name: string, why: string): ApiError {
  return new ApiError({
    code: 409,
    reason: "Conflict",
    message: `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    details: detailsOf(resource, name),
  });
}

export const MODIFIED_MEANWHILE =
  "the object has been modified; please apply your changes to the latest version and try again";

export function forbidden(resource: GroupResource, name: string, why: string): ApiError {
  const subject = name === "" ? qualified(resource) : `${qualified(resource)} "${name}"`;
  return new ApiError({
    code: 403,
    reason: "Forbidden",
    message: `${subject} is forbidden: ${why}`,
    details: detailsOf(resource, name),
  });
}

export function badRequest(message: string): ApiError {
  return new ApiError({ code: 400, reason: "BadRequest", message });
}

export function unauthorized(): ApiError {
  return new ApiError({ code: 401, reason: "Unauthorized", message: "Unauthorized" });
}

export function internalError(why: string): ApiError {
  return new ApiError({
    code: 500,
    reason: "InternalError",
    message: `Internal error occurred: ${why}`,
    details: { causes: [{ message: why }] },
  });
}

export function expired(message: string): ApiError {
  return new ApiError({ code: 410, reason: "Expired", message });
}

export function methodNotAllowed(resource: GroupResource, verb: string): ApiError {
  return new ApiError({
    code: 405,
    reason: "MethodNotAllowed",
    message: `${verb} is not supported on resources of kind "${qualified(resource)}"`,
    details: detailsOf(resource),
  });
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError({
    code: 415,
    reason: "UnsupportedMediaType",
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  });
}

export function invalid({ group, kind }: GroupKind, name: string, errors: readonly FieldError[]): ApiError {
  const said = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const subject = group === "" ? kind : `${kind}.${group}`;
  return new ApiError({
    code: 422,
    reason: "Invalid",
    message: `${subject} "${name}" is invalid: ${said.length === 1 ? said[0] : `[${said.join(", ")}]`}`,
    details: {
      ...(name ? { name } : {}),
      ...(group ? { group } : {}),
      ...(kind ? { kind } : {}),
      causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  });
}

export function invalidValue(field: string, value: unknown, why: string): FieldError {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

/** @param label the field as the text names it: relative to the part that is validated */
export function wrongType(field: string, got: string, want: string, label = field): FieldError {
  const message = `Invalid value: "${got}": ${label} in body must be of type ${want}: "${got}"`;
  return { reason: "FieldValueTypeInvalid", message, field };
}

export function requiredValue(field: string, why = ""): FieldError {
  return { reason: "FieldValueRequired", message: why ? `Required value: ${why}` : "Required value", field };
}

export function forbiddenValue(field: string, why: string): FieldError {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field };
}

export function tooLong(field: string, maxBytes: number): FieldError {
  const message = `Too long: may not be more than ${maxBytes} bytes`;
  return { reason: "FieldValueTooLong", message, field };
}

export function notSupported(field: string, value: unknown, supported: readonly unknown[]): FieldError {
  const values = supported.map((each) => JSON.stringify(each)).join(", ");
  return {
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`,
    field,
  };
}
