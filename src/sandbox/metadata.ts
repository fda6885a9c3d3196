import type { KubeObject, ObjectMeta, OwnerReference } from "../kube/api.ts";
import { equal } from "./json.ts";
import type { NameRule } from "./resources/resource.ts";
import { type FieldError, forbiddenValue, invalidValue, requiredValue, tooLong } from "./status.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must " +
  `start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and " +
  `end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const LABEL_1035_WORDS =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic " +
  "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for " +
  `validation is '${LABEL_1035}')`;
const QUALIFIED_NAME_WORDS =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  `'${QUALIFIED_NAME}')`;
const LABEL_VALUE_WORDS =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must " +
  "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for " +
  `validation is '${LABEL_VALUE}')`;

const NAME_RULES: Record<NameRule, { pattern: RegExp; words: string; max: number }> = {
  subdomain: { pattern: whole(SUBDOMAIN), words: SUBDOMAIN_WORDS, max: 253 },
  label: { pattern: whole(LABEL), words: LABEL_WORDS, max: 63 },
  label1035: { pattern: whole(LABEL_1035), words: LABEL_1035_WORDS, max: 63 },
  path: { pattern: /^(?!\.\.?$)[^/%]+$/, words: "may not contain '/' or '%'", max: Number.POSITIVE_INFINITY },
};

function whole(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

const qualifiedName = whole(QUALIFIED_NAME);
const subdomain = whole(SUBDOMAIN);
const labelValue = whole(LABEL_VALUE);

function nameProblems(name: string, rule: NameRule): string[] {
  const { pattern, words, max } = NAME_RULES[rule];
  if (rule === "label" && name.includes(".")) return ["must not contain dots"];
  const problems: string[] = [];
  if (name.length > max) problems.push(`must be no more than ${max} characters`);
  if (!pattern.test(name)) problems.push(words);
  return problems;
}

/** What is wrong with a `prefix/name`, as label and annotation keys and finalizers are. `what` names it. */
export function qualifiedNameProblems(text: string, what = "qualified name"): string[] {
  const parts = text.split("/");
  if (parts.length > 2) {
    return [
      `a valid ${what} must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an ` +
        `alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is ` +
        `'${QUALIFIED_NAME}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: string[] = [];
  const name = parts.at(-1) as string;
  if (parts.length === 2 && !subdomain.test(parts[0] as string)) {
    problems.push(parts[0] === "" ? "prefix part must be non-empty" : `prefix part ${SUBDOMAIN_WORDS}`);
  }
  if (name === "") problems.push("name part must be non-empty");
  if (name.length > 63) problems.push("name part must be no more than 63 characters");
  if (!qualifiedName.test(name)) problems.push(QUALIFIED_NAME_WORDS);
  return problems;
}

/** The checks of metadata that every kind shares. */
export function validateMetadata(metadata: ObjectMeta, rule: NameRule): FieldError[] {
  const errors: FieldError[] = [];
  if (!metadata.name) {
    errors.push(requiredValue("metadata.name", "name or generateName is required"));
  } else {
    for (const why of nameProblems(metadata.name, rule)) {
      errors.push(invalidValue("metadata.name", metadata.name, why));
    }
  }
  for (const finalizer of metadata.finalizers ?? []) {
    for (const why of qualifiedNameProblems(finalizer)) {
      errors.push(invalidValue("metadata.finalizers", finalizer, why));
    }
  }
  errors.push(...validateChangeable(metadata));
  return errors;
}

/** Source: the API server's TotalAnnotationSizeLimitB. */
const ANNOTATIONS_MAX_BYTES = 256 * 1024;

/** The part of metadata that clients write as they like. */
function validateChangeable(metadata: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    for (const why of qualifiedNameProblems(key, "label key")) {
      errors.push(invalidValue("metadata.labels", key, why));
    }
    if (Buffer.byteLength(value) > 63) {
      errors.push(invalidValue("metadata.labels", value, "must be no more than 63 bytes"));
    } else if (!labelValue.test(value))
      errors.push(invalidValue("metadata.labels", value, LABEL_VALUE_WORDS));
  }
  let size = 0;
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    for (const why of qualifiedNameProblems(key.toLowerCase())) {
      errors.push(invalidValue("metadata.annotations", key, why));
    }
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > ANNOTATIONS_MAX_BYTES) errors.push(tooLong("metadata.annotations", ANNOTATIONS_MAX_BYTES));
  errors.push(...validateOwners(metadata.ownerReferences ?? []));
  return errors;
}

function validateOwners(owners: readonly OwnerReference[]): FieldError[] {
  const errors = owners.flatMap((owner) =>
    OWNER_FIELDS.filter(([field]) => !owner[field]).map(([field, words]) =>
      invalidValue(`metadata.ownerReferences.${field}`, owner[field] ?? "", words),
    ),
  );
  for (const owner of owners) {
    if (owner.apiVersion !== "v1" || owner.kind !== "Event") continue;
    const why = "/v1, Kind=Event is disallowed from being an owner";
    errors.push(invalidValue("metadata.ownerReferences", owner, why));
  }
  const [first, second] = owners.filter((owner) => owner.controller);
  if (first !== undefined && second !== undefined) {
    const named = `${first.kind}/${first.name} and ${second.kind}/${second.name}`;
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${named}`;
    errors.push(invalidValue("metadata.ownerReferences", owners, why));
  }
  return errors;
}

const OWNER_FIELDS = [
  ["apiVersion", "version must not be empty"],
  ["kind", "must not be empty"],
  ["name", "must not be empty"],
  ["uid", "must not be empty"],
] as const;

const IMMUTABLE = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"] as const;

/** What may not change between two versions of an object. */
export function validateMetadataUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const errors = validateChangeable(next.metadata);
  for (const field of IMMUTABLE) {
    if (!equal(next.metadata[field], old.metadata[field])) {
      errors.push(invalidValue(`metadata.${field}`, next.metadata[field], "field is immutable"));
    }
  }
  if (old.metadata.deletionTimestamp !== undefined) {
    const before = old.metadata.finalizers ?? [];
    const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.includes(finalizer));
    if (added.length > 0) {
      const shown = `[]string{${added.map((each) => JSON.stringify(each)).join(", ")}}`;
      const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`;
      errors.push(forbiddenValue("metadata.finalizers", why));
    }
  }
  return errors;
}
