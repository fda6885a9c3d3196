import type { JSONWebKeySet } from "jose";
import { SecretStore } from "../../certs/secret-store.ts";
import { consumerKey } from "../claims/claim.ts";
import type { Config } from "../config.ts";
import { RECEIPT_ANNOTATION } from "../hosts/annotations.ts";
import type { HostProfile } from "../hosts/profile.ts";
import { profiles } from "../hosts/profiles.ts";
import type { KubeApi, KubeObject, ResourceType } from "../kube/api.ts";
import { isNotFound } from "../kube/errors.ts";
import { parseRing } from "../receipts/key-ring.ts";
import { type Receipt, ReceiptError, receiptKeyId, verifyReceipt } from "../receipts/receipt.ts";
import type { CommandIo } from "./command-io.ts";
import { facts, formatted } from "./output.ts";

export interface VerifyIo extends CommandIo {
  /** The public keys, as /.well-known/jwks.json has them. */
  jwks(): Promise<JSONWebKeySet>;
}

/** What is checked, and what the receipt must say besides being genuine. */
interface Subject {
  /** "PhysicalHost team-a/host-1"; null for a bare receipt. */
  readonly host: string | null;
  readonly token: string;
  readonly expectations: Partial<Receipt>;
}

/**
 * `verify HOST|RECEIPT`: whether this service admitted that claim. Of a host its own receipt is checked, and that it
 * is for this host and its present consumer. Exit code 0 when it is genuine, else 1. Rejects with a KubeError.
 */
export async function runVerify(
  config: Pick<Config, "namespace" | "output" | "args">,
  io: VerifyIo,
): Promise<number> {
  const argument = config.args[0] ?? "";
  const subject = isReceipt(argument)
    ? { host: null, token: argument, expectations: {} }
    : await subjectOf(io.api, argument.slice(argument.indexOf("/") + 1), config.namespace);
  if (typeof subject === "string") {
    io.err(subject);
    return 1;
  }
  const { host, token, expectations } = subject;
  try {
    const receipt = await verifyReceipt(token, await io.jwks(), expectations);
    const answer = { genuine: true, host, keyId: receiptKeyId(token) ?? "", receipt };
    io.out(formatted(config.output, answer, () => receiptText(answer)));
    return 0;
  } catch (error) {
    if (!(error instanceof ReceiptError)) throw error;
    const { code, message } = error;
    const answer = { genuine: false, host, code, message };
    io.out(formatted(config.output, answer, () => `The receipt is not good: ${message} (${code})`));
    return 1;
  }
}

const KEY_RING = "receipt-keys.json";

/** The public keys from the service's own Secret, where no replica is asked; empty when it has none. */
export async function jwksOfSecret(api: KubeApi, namespace: string, name: string): Promise<JSONWebKeySet> {
  const { data } = await new SecretStore({ api, namespace, name }).read();
  const ring = parseRing(data[KEY_RING] ?? "[]") ?? [];
  return { keys: ring.map(({ kid, publicJwk }) => ({ ...publicJwk, kid, alg: "ES256", use: "sig" })) };
}

/** A compact JWS has two dots and no letters but base64url's; names of hosts are in lower case and shorter. */
const isReceipt = (argument: string) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(argument) && /[A-Z]/.test(argument);

/** The subject, or in words why there is none. */
async function subjectOf(api: KubeApi, name: string, namespace: string): Promise<Subject | string> {
  const found: { profile: HostProfile; object: KubeObject; host: string }[] = [];
  for (const profile of profiles) {
    for (const object of await hostsNamed(api, profile.hostType, name, namespace)) {
      found.push({ profile, object, host: `${profile.hostType.kind} ${object.metadata.namespace}/${name}` });
    }
  }
  const [only, ...others] = found;
  if (only === undefined)
    return `no host ${name} is known${namespace === "" ? "" : ` in namespace ${namespace}`}`;
  if (others.length > 0)
    return ["several hosts have that name, choose one with -n:", ...found.map(({ host }) => host)].join(
      "\n  ",
    );
  const { profile, object, host } = only;
  const consumer = profile.readConsumerRef(object);
  const token = object.metadata.annotations?.[RECEIPT_ANNOTATION];
  if (consumer === null) return `${host} has no consumer, so there is nothing to verify`;
  if (token === undefined) return `${host} carries no receipt: it was not claimed through this service`;
  const expectations = { hostUID: object.metadata.uid ?? "", consumer: consumerKey(consumer) };
  return { host, token, expectations };
}

async function hostsNamed(
  api: KubeApi,
  type: ResourceType,
  name: string,
  namespace: string,
): Promise<KubeObject[]> {
  try {
    const where = namespace === "" ? {} : { namespace };
    return (await api.list(type, { ...where, fieldSelector: `metadata.name=${name}` })).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function receiptText(answer: { host: string | null; keyId: string; receipt: Receipt }): string {
  const { host, keyId, receipt } = answer;
  return facts([
    ["Receipt", `genuine, signed with key ${keyId}`],
    ["Host", host ?? `uid ${receipt.hostUID}`],
    ["Version", receipt.hostResourceVersion],
    ["Consumer", receipt.consumer],
    ["Admitted", new Date(receipt.atMs).toISOString()],
    ["Priority", String(receipt.priority)],
    ["Term", receipt.term === "" ? "none: nobody led" : receipt.term],
  ]);
}
