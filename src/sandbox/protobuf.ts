import { timestamp } from "./identifiers.ts";
import type { JsonObject } from "./json.ts";
import { type FieldType, KINDS, type Message } from "./protobuf-kinds.ts";

export const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** Before every Kubernetes object in protobuf. */
const MAGIC = Buffer.from("k8s\0");

/**
 * A request body in Kubernetes' protobuf as JSON, for the kinds that kubectl and Go clients send in it;
 * undefined for anything else. The sandbox answers in JSON only, which such clients accept.
 */
export function protobufToJson(body: Buffer): JsonObject | undefined {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  try {
    const { typeMeta = {}, raw } = decodeMessage(body.subarray(MAGIC.length), UNKNOWN) as {
      typeMeta?: { apiVersion?: string; kind?: string };
      raw?: Buffer;
    };
    const message = KINDS[typeMeta.kind ?? ""];
    if (message === undefined) return undefined;
    return { ...typeMeta, ...decodeMessage(raw ?? Buffer.alloc(0), message) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** runtime.Unknown: the envelope. */
const UNKNOWN: Message = {
  1: ["typeMeta", { 1: ["apiVersion", "string"], 2: ["kind", "string"] }],
  2: ["raw", "raw"],
};

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** @throws RangeError when the bytes end too early */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  }

  bytes(length = Number(this.varint())): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw new RangeError("truncated message");
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}

/** The value of one field as it is on the wire: a number, or bytes. */
function readField(reader: Reader, wireType: number): bigint | Buffer {
  if (wireType === 0) return reader.varint();
  if (wireType === 1) return reader.bytes(8);
  if (wireType === 2) return reader.bytes();
  if (wireType === 5) return reader.bytes(4);
  throw new RangeError(`wire type ${wireType}`);
}

function decodeMessage(bytes: Buffer, message: Message): JsonObject {
  const object: JsonObject = {};
  const reader = new Reader(bytes);
  while (!reader.done) {
    const tag = Number(reader.varint());
    const value = readField(reader, tag & 7);
    const field = message[tag >> 3];
    if (field !== undefined) setField(object, field[0], field[1], value);
  }
  return object;
}

function setField(object: JsonObject, name: string, type: FieldType, value: bigint | Buffer): void {
  if (Array.isArray(type)) {
    const list = (object[name] ?? []) as unknown[];
    list.push(decodeValue(value, type[0] as FieldType));
    object[name] = list;
  } else if (typeof type === "object" && "map" in type) {
    const entry = decodeMessage(value as Buffer, {
      1: ["key", "string?"],
      2: ["value", type.map as FieldType],
    });
    object[name] = {
      ...(object[name] as JsonObject | undefined),
      [String(entry.key ?? "")]: entry.value ?? "",
    };
  } else {
    const decoded = decodeValue(value, type);
    if (decoded !== undefined) object[name] = decoded;
  }
}

/** Undefined where the value is the type's zero and the field is one that JSON would leave out. */
function decodeValue(value: bigint | Buffer, type: FieldType): unknown {
  if (typeof type === "object" && "items" in type) {
    return decodeMessage(value as Buffer, { 1: ["items", [type.items as FieldType]] }).items ?? [];
  }
  if (typeof type === "object") return decodeMessage(value as Buffer, type as Message);
  switch (type) {
    case "string":
      return value.toString() || undefined;
    case "string?":
      return value.toString();
    case "bytes":
      return (value as Buffer).toString("base64");
    case "raw":
      return value;
    case "int":
      return Number(value) || undefined;
    case "int?":
      return Number(value);
    case "bool":
      return value !== 0n;
    case "time":
      return decodeTime(value as Buffer, false);
    case "microTime":
      return decodeTime(value as Buffer, true);
  }
}

function decodeTime(bytes: Buffer, micro: boolean): string | undefined {
  const { seconds, nanos = 0 } = decodeMessage(bytes, { 1: ["seconds", "int?"], 2: ["nanos", "int"] }) as {
    seconds?: number;
    nanos?: number;
  };
  if (seconds === undefined) return undefined;
  const whole = timestamp(seconds * 1000);
  return micro ? whole.replace("Z", `.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z`) : whole;
}
