import type { ASTNode } from "@marcbachmann/cel-js";
import { celErrorMessage, kubernetesCel } from "../cel.ts";
import { memberSchema, type Schema } from "./schema.ts";

const environment = kubernetesCel(["self", "oldSelf"]);

/** Why a rule can't be used under its schema; undefined when it can. */
export function ruleProblem(rule: string, schema: Schema): string | undefined {
  try {
    const parsed = environment.parse(rule);
    const check = parsed.check();
    if (!check.valid) return celErrorMessage(check.error);
    if (check.type !== "bool" && check.type !== "dyn") return "must evaluate to a bool";
    const unknown = undeclaredField(parsed.ast, schema);
    return unknown === undefined
      ? undefined
      : pointAt(rule, unknown.at, `undefined field '${unknown.field}'`);
  } catch (error) {
    return celErrorMessage(error);
  }
}

/** As CEL's own compiler draws it: the place, the line, and a mark below. */
function pointAt(rule: string, at: number, what: string): string {
  return `ERROR: <input>:1:${at + 1}: ${what}\n | ${rule}\n | ${".".repeat(at)}^`;
}

interface Undeclared {
  readonly field: string;
  readonly at: number;
}

/** The first field, reached from self or oldSelf by names alone, that the schema doesn't know. */
function undeclaredField(node: ASTNode, schema: Schema): Undeclared | undefined {
  if (node.op === ".") {
    const [of, field] = node.args;
    const inner = undeclaredField(of, schema);
    if (inner !== undefined) return inner;
    const parent = schemaOf(of, schema);
    const declared = parent === undefined || isOpen(parent) || memberSchema(parent, field) !== undefined;
    return declared ? undefined : { field, at: of.end };
  }
  for (const child of childrenOf(node.args)) {
    const found = undeclaredField(child, schema);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isOpen(schema: Schema): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true || schema.properties === undefined;
}

/** The schema of what a chain of names leads to; undefined where it isn't known. */
function schemaOf(node: ASTNode, root: Schema): Schema | undefined {
  if (node.op === "id") return node.args === "self" || node.args === "oldSelf" ? root : undefined;
  if (node.op !== ".") return undefined;
  const parent = schemaOf(node.args[0], root);
  return parent === undefined ? undefined : memberSchema(parent, node.args[1]);
}

function childrenOf(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return typeof args === "object" && args !== null && "op" in args ? [args as ASTNode] : [];
}
