import { badRequest, type FieldError, forbiddenValue, invalid, notSupported } from "./status.ts";

/** The checks of what a list or watch asks for: metav1.ListOptions. */
const MATCH = "resourceVersionMatch";

/** Absent is 0. @throws ApiError 400 */
export function integerQuery(query: URLSearchParams, name: string): number {
  const text = query.get(name) || "0";
  if (/^[-+]?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** @throws ApiError 422 */
export function checkListOptions(query: URLSearchParams): void {
  const version = query.get("resourceVersion") ?? "";
  const match = query.get(MATCH) ?? "";
  const errors: FieldError[] = [];
  const forbid = (why: string, field = MATCH) => errors.push(forbiddenValue(field, why));
  if (match !== "") {
    if (version === "") forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (query.get("continue")) forbid("resourceVersionMatch is forbidden when continue is provided");
    if (match !== "Exact" && match !== "NotOlderThan") {
      errors.push(notSupported(MATCH, match, ["Exact", "NotOlderThan", ""]));
    }
    if (match === "Exact" && version === "0") {
      forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (query.get("sendInitialEvents")) {
    forbid("sendInitialEvents is forbidden for list", "sendInitialEvents");
  }
  refuse(errors);
}

/** @throws ApiError 422 */
export function checkWatchOptions(query: URLSearchParams): void {
  const match = query.get(MATCH) ?? "";
  const errors: FieldError[] = [];
  const forbid = (why: string) => errors.push(forbiddenValue(MATCH, why));
  const streaming = Boolean(query.get("sendInitialEvents"));
  if (streaming && match !== "NotOlderThan") {
    forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (!streaming && match !== "") {
    forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  if (match !== "" && match !== "NotOlderThan") errors.push(notSupported(MATCH, match, ["NotOlderThan"]));
  if (query.get("continue")) forbid("resourceVersionMatch is forbidden when continue is provided");
  refuse(errors);
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", errors);
}
