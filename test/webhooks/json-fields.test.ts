import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { readFields, type Selection, select } from "../../webhooks/json-fields.ts";

/** JSON_FIELDS_RUNS=100000 for a long search. */
const numRuns = Number(process.env.JSON_FIELDS_RUNS ?? 2_000);

type Json = Record<string, unknown>;

const SELECTION = {
  a: "whole",
  b: { a: "whole", b: { a: "whole", ab: "repeated" } },
  ab: "repeated",
  uid: "whole",
} as const;
const FIELDS = select(SELECTION);

/** What readFields promises, said with JSON.parse. */
function pick(value: unknown, selection: Selection): unknown {
  if (typeof selection === "string" || typeof value !== "object" || value === null || Array.isArray(value))
    return value;
  const picked: Record<string, unknown> = {};
  for (const [key, below] of Object.entries(selection)) {
    if (Object.hasOwn(value, key)) picked[key] = pick((value as Record<string, unknown>)[key], below);
  }
  return picked;
}

function outcome(read: () => unknown): { value: unknown } | "refused" {
  try {
    return { value: read() };
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return "refused";
  }
}

function agrees(text: string | Buffer): void {
  const bytes = Buffer.from(text as string);
  const want = outcome(() => pick(JSON.parse(bytes.toString("utf8")), SELECTION));
  assert.deepEqual(
    outcome(() => readFields(bytes, FIELDS)),
    want,
    bytes.toString("utf8"),
  );
}

const key = fc.constantFrom("a", "b", "uid", "A", "", "__proto__", "\\u0061", "\\u0062", "ab", "ä", "x\\ny");
const large = JSON.stringify({ inventory: Array.from({ length: 20 }, (_, index) => ({ slot: index })) });
const scalar = fc.oneof(
  fc.constantFrom(
    "0",
    "-0",
    "1e999",
    "1.50E-3",
    "true",
    "false",
    "null",
    "[]",
    "{}",
    large,
    large,
    '"\\ud83d\\uDE00"',
  ),
  fc.string().map((text) => JSON.stringify(text)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);
const space = fc.constantFrom("", "", "", " ", "\n\t\r ");
/** Texts with equal keys, escaped keys, white space and large values that occur twice. */
const { value: jsonText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc
      .tuple(space, fc.array(tie("value"), { maxLength: 4 }))
      .map(([gap, items]) => `[${gap}${items.join(`${gap},`)}]`),
    fc
      .tuple(space, fc.array(fc.tuple(key, tie("value")), { maxLength: 6 }))
      .map(
        ([gap, members]) =>
          `{${members.map(([name, value]) => `${gap}"${name}"${gap}:${gap}${value}${gap}`).join(",")}}`,
      ),
  ),
}));

const DAMAGED = [
  ...[
    "",
    " ",
    "{",
    "}",
    "[1,]",
    "[,1]",
    "{,}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{a:1}",
    "{'a':1}",
    '{"a" 1}',
    '{"a":1]',
  ],
  ...[
    "01",
    "-",
    "+1",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x1",
    "NaN",
    "Infinity",
    "-Infinity",
    "1 2",
    "tru",
    "truee",
    "True",
    "nul",
  ],
  ...[
    '"',
    '"\\',
    '"\\"',
    '"\\x"',
    '"\\u12"',
    '"\\u12G4"',
    '"\\u123G"',
    '"\n"',
    '"\t"',
    '"\u0000"',
    "\u00a0{}",
    "\ufeff{}",
    "{}\u0000",
    "[1}",
  ],
  ...[
    "\v1",
    "\f1",
    "/**/1",
    "1//",
    "[[[[",
    '{"x":{"y":[1,{"z":tru}]}}',
    '{"x":"\\u00"}',
    '{"x":[1 2]}',
    '{"x":"\u2028"}',
    '"\u007f"',
  ],
];

describe("fields read out of a JSON text", () => {
  for (const text of DAMAGED) {
    test(`${JSON.stringify(text)} is taken or refused as JSON.parse does`, () => {
      agrees(text);
      agrees(`{"b":${text}}`);
      agrees(`{"b":{"x":${text},"a":1}}`);
    });
  }

  test("are what JSON.parse reads, of any document", () => {
    fc.assert(
      fc.property(space, jsonText, (gap, text) => agrees(`${gap}${text}${gap}`)),
      { numRuns },
    );
  });

  test("are refused with JSON.parse after any cut, and after any byte is changed", () => {
    const damage = fc.tuple(
      jsonText,
      fc.nat(),
      fc.constantFrom(...'"\\{}[]:,0-.eEtu \n\u0000'.split(""), "\xff"),
      fc.boolean(),
    );
    fc.assert(
      fc.property(damage, ([text, where, byte, cut]) => {
        const bytes = Buffer.from(text);
        const at = where % (bytes.length + 1);
        if (cut) return agrees(bytes.subarray(0, at));
        agrees(
          Buffer.concat([
            bytes.subarray(0, at),
            Buffer.from(byte, "latin1"),
            bytes.subarray(at + (where % 2)),
          ]),
        );
      }),
      { numRuns },
    );
  });

  test("are what JSON.parse reads where bytes are no UTF-8", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        agrees(
          Buffer.concat([Buffer.from('{"a":"'), bytes, Buffer.from('","x":"'), bytes, Buffer.from('"}')]),
        );
      }),
      { numRuns },
    );
  });

  test("may be nested to any depth", () => {
    const deep = 500_000;
    agrees(`{"x":${"[".repeat(deep)}${"]".repeat(deep)},"a":1}`);
    agrees(`{"x":${"[".repeat(deep)}`);
  });

  test("that were read once are not taken for the beginning of something longer", () => {
    agrees(`{"x":${large},"y":${large}1}`);
    agrees(`{"x":${large},"y":${large.slice(0, -1)},"more":1}}`);
    agrees(`{"x":${large},"y":${large.slice(0, -1)}`);
    agrees(`{"b":{"x":${large}},"y":${large},"a":2}`);
  });

  test("never hold a prototype that the text named", () => {
    const read = readFields(
      Buffer.from('{"__proto__":{"a":1},"b":{"a":{"__proto__":{"admin":true}}}}'),
      FIELDS,
    );
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });

  test("are the same frozen objects when the same text comes again, and never another's", () => {
    const read = (text: string) => (readFields(Buffer.from(`{"uid":1,"ab":${text}}`), FIELDS) as Json).ab;
    const first = read('{"name":"a","groups":["x"]}') as Json;
    assert.equal(read('{"name":"a","groups":["x"]}'), first);
    assert.ok(Object.isFrozen(first) && Object.isFrozen(first.groups));
    assert.deepEqual(read('{"name":"b","groups":["x"]}'), { name: "b", groups: ["x"] });
    for (let n = 0; n < 10; n++) read(`{"n":${n}}`);
    assert.deepEqual(read('{"name":"a","groups":["x"]}'), first);
    assert.ok(read(`{"deep":${"[".repeat(100_000)}${"]".repeat(100_000)}}`));
    agrees('{"ab":{"name":"a","groups":["x"]}');
    agrees('{"ab":{"name":"a","groups":["x"]}1}');
  });
});
