import { Environment } from "@marcbachmann/cel-js";
import { isObject, type JsonObject, setOwn } from "./json.ts";

/** The CEL dialect of the Kubernetes API, as far as the library and a few additions speak it. */
export function kubernetesCel(variables: readonly string[]): Environment {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  for (const variable of variables) environment.registerVariable(variable, "dyn");
  return environment
    .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) =>
      text.replaceAll(from, to),
    )
    .registerFunction("string.find(string): string", (text: string, pattern: string) =>
      (new RegExp(pattern, "u").exec(text)?.[0] ?? "").toString(),
    )
    .registerFunction("isURL(string): bool", (text: string) => URL.canParse(text));
}

/** JSON with whole numbers as CEL ints (bigint); fractions stay doubles. */
export function toCel(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const [key, member] of Object.entries(value)) setOwn(copy, key, toCel(member));
  return copy;
}

/** The first line of a library error: the rest draws a picture of the expression. */
export function celErrorMessage(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).split("\n")[0] as string;
  const index = /index out of bounds, index (-?\d+)/.exec(message)?.[1];
  if (index !== undefined) return `index out of bounds: ${index}`;
  return message.charAt(0).toLowerCase() + message.slice(1);
}
