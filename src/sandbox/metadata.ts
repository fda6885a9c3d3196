import type { KubeObject, ObjectMeta } from "../kube/api.ts";
import { asArray, asObject, equal } from "./json.ts";
import type { NameRule } from "./resources/resource.ts";
import { type FieldError, forbiddenValue, invalidValue, requiredValue } from "./status.ts";

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
  const problems: string[] = [];
  if (name.length > max) problems.push(`must be no more than ${max} characters`);
  if (!pattern.test(name)) problems.push(words);
  return problems;
}

/** `prefix/name`, as label and annotation keys and finalizers are. */
function qualifiedNameProblem(text: string): string | undefined {
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  if (name === "") return "name part must be non-empty";
  if (name.length > 63) return "name part must be no more than 63 characters";
  if (!qualifiedName.test(name)) return QUALIFIED_NAME_WORDS;
  if (slash >= 0 && !subdomain.test(text.slice(0, slash))) return `prefix part ${SUBDOMAIN_WORDS}`;
  return undefined;
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
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    const why = qualifiedNameProblem(key);
    if (why !== undefined) errors.push(invalidValue("metadata.labels", key, why));
    if (value.length > 63) {
      errors.push(invalidValue("metadata.labels", value, "must be no more than 63 characters"));
    } else if (!labelValue.test(value))
      errors.push(invalidValue("metadata.labels", value, LABEL_VALUE_WORDS));
  }
  for (const key of Object.keys(metadata.annotations ?? {})) {
    const why = qualifiedNameProblem(key.toLowerCase());
    if (why !== undefined) errors.push(invalidValue("metadata.annotations", key, why));
  }
  for (const finalizer of metadata.finalizers ?? []) {
    const why = qualifiedNameProblem(finalizer);
    if (why !== undefined) errors.push(invalidValue("metadata.finalizers", finalizer, why));
  }
  asArray(metadata.ownerReferences).forEach((entry, index) => {
    const owner = asObject(entry);
    for (const [field, words] of OWNER_FIELDS) {
      if (owner[field]) continue;
      errors.push(invalidValue(`metadata.ownerReferences[${index}].${field}`, owner[field] ?? "", words));
    }
  });
  return errors;
}

const OWNER_FIELDS = [
  ["apiVersion", "version must not be empty"],
  ["kind", "must not be empty"],
  ["name", "must not be empty"],
  ["uid", "must not be empty"],
] as const;

/** What may not change between two versions of an object. */
export function validateMetadataUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["name", "namespace", "uid", "creationTimestamp"] as const) {
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
