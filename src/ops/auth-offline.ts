import { readFile } from "node:fs/promises";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import type { Clock } from "../clock.ts";
import type { CheckToken, User } from "./auth.ts";

export interface OfflineOptions {
  /** The `iss` that a token must have. */
  issuer: string;
  /** The `aud` that a token must have. */
  audience: string;
  /** The issuer's keys. */
  keys: JWTVerifyGetKey;
  clock: Clock;
}

/** Asymmetric only: with a symmetric one, whoever knows the public keys could sign. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/** Between the issuer's clock and ours. */
const CLOCK_TOLERANCE = "30s";

/** Keys from a file or an https:// URL; a file that can't be read, or is no key set, rejects. */
export async function issuerKeys(source: string): Promise<JWTVerifyGetKey> {
  if (source.startsWith("https://")) return createRemoteJWKSet(new URL(source));
  try {
    return createLocalJWKSet(JSON.parse(await readFile(source, "utf8")));
  } catch (error) {
    throw new Error(`the issuer's key set ${source} can't be used`, { cause: error });
  }
}

/**
 * Whose a token of the cluster is, without asking the API server: signature, issuer, audience and times. What it
 * can't see is that a pod or service account was deleted since; expiry bounds that.
 */
export function checkTokenOffline({ issuer, audience, keys, clock }: OfflineOptions): CheckToken {
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(clock.wallMs()),
        requiredClaims: ["exp", "sub"],
      });
      return userOf(payload);
    } catch (error) {
      // An issuer that does not answer is its trouble, not the token's.
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) return undefined;
      throw error;
    }
  };
}

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** As the API server's own authenticators name them: service accounts by their subject, others behind their issuer. */
function userOf({ iss, sub, ...claims }: JWTPayload): User {
  const [, namespace] = SERVICE_ACCOUNT.exec(sub ?? "") ?? [];
  if (namespace === undefined) {
    return { username: `${iss}#${sub}`, uid: "", groups: ["system:authenticated"], extra: {} };
  }
  const bound = (claims["kubernetes.io"] ?? {}) as {
    pod?: { name?: string; uid?: string };
    serviceaccount?: { uid?: string };
  };
  return {
    username: sub ?? "",
    uid: bound.serviceaccount?.uid ?? "",
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra: {
      ...(bound.pod?.name ? { "authentication.kubernetes.io/pod-name": [bound.pod.name] } : {}),
      ...(bound.pod?.uid ? { "authentication.kubernetes.io/pod-uid": [bound.pod.uid] } : {}),
    },
  };
}
