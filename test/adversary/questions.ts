import fc from "fast-check";

/** What a path may be spelt with to be read differently by two readers. */
export const PIECES = [
  ...[
    "/",
    "//",
    "/./",
    "/../",
    "%2f",
    "%2F",
    "%2e%2e",
    "\\",
    "%5c",
    ";",
    "?",
    "#",
    "%00",
    "%",
    "%zz",
    "%c0%af",
    "&",
    "=",
  ],
  ...[
    "api",
    "API",
    "v1",
    "queue",
    "Queue",
    "status",
    "explain",
    "machine",
    "host",
    "team-a",
    "secret-machine",
    "metrics",
  ],
  ...[
    "namespace",
    "namespace[]",
    "limit",
    "kind",
    "kube-system",
    "-1",
    "1e9",
    "__proto__",
    "constructor",
    "..",
    "ä".normalize(),
  ],
];

/** What is asked rightly, and now and then a thing that must not be. */
const often = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong });
const strange = fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 20 }));
const namespace = fc.constantFrom("default", "team-a", "nowhere", "");
const limit = fc.constantFrom("1", "500", "10000");
const kind = fc.constantFrom("PhysicalHost", "BareMetalHost");

/** `?k=v` pairs: those that the route knows, and others; now and then not even escaped. */
function query(known: Record<string, fc.Arbitrary<string>>): fc.Arbitrary<string> {
  const right = fc.oneof(
    ...Object.entries(known).map(([key, value]) => fc.tuple(fc.constant(key), often(value, strange))),
  );
  const wrong = fc.tuple(fc.oneof(fc.constantFrom("limit", "kind", "namespace"), strange), strange);
  const pair = fc.tuple(often(right, wrong), often(fc.constant(true), fc.constant(false)));
  return fc
    .uniqueArray(pair, { maxLength: 2, selector: ([[key]]) => key })
    .map((pairs) =>
      pairs
        .map(([[key, value], escaped]) =>
          escaped
            ? `${encodeURIComponent(decodable(key))}=${encodeURIComponent(decodable(value))}`
            : encodeURI(decodable(`${key}=${value}`)),
        )
        .join("&"),
    );
}

const named = (name: string) =>
  fc
    .tuple(often(fc.constantFrom("default", "team-a"), strange), often(fc.constant(name), strange))
    .map((parts) => parts.map((part) => encodeURIComponent(decodable(part))).join("/"));

/** By route, where it is and what it knows. */
const ROUTES: Record<string, [where: fc.Arbitrary<string>, known: Record<string, fc.Arbitrary<string>>]> = {
  queue: [fc.constant(""), { namespace, limit }],
  status: [fc.constant(""), { namespace }],
  events: [fc.constant(""), { namespace, limit }],
  "explain/machine": [named("secret-machine"), { kind: fc.constant("Beskar7Machine"), limit }],
  "explain/host": [named("secret-host"), { kind }],
};

/** What the queue API may be asked, of objects that there are and others. */
export const question = fc.oneof(
  ...Object.entries(ROUTES).map(([route, [where, known]]) =>
    fc.record({
      route: fc.constant(route),
      target: fc
        .tuple(where, query(known))
        .map(([name, asked]) => `/api/v1/${route}${name && `/${name}`}${asked && `?${asked}`}`),
      // A stream has no end.
      method: route === "events" ? fc.constant("HEAD") : often(fc.constant("GET"), fc.constant("HEAD")),
    }),
  ),
);

/** encodeURI refuses half a surrogate pair. */
export function decodable(text: string): string {
  return text.toWellFormed();
}
