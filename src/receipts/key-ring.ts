import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";

/**
 * The signing keys of receipts, as stored: the youngest that every replica can know signs, the others are kept as
 * public keys for as long as somebody may want to check what they signed.
 */
export interface RingKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly publicJwk: JWK;
  /** null once it is retired: what can't sign can't be stolen. */
  readonly privateJwk: JWK | null;
  readonly createdAtMs: number;
  readonly retiredAtMs: number | null;
}

/** Oldest first. */
export type KeyRing = readonly RingKey[];

const DAY_MS = 24 * 3600 * 1000;

/** How long a key signs. */
const SIGNING_LIFE_MS = 30 * DAY_MS;
/** A new key is published first, so that each replica serves it before a receipt needs it; they look every minute. */
export const PUBLISH_AHEAD_MS = 10 * 60_000;
/** A receipt may reach its host, and the mirrors, a while after it was signed. */
const KEEP_RETIRED_MS = DAY_MS;

export type RingStep = "add" | "retire" | "forget";

/**
 * The key that signs at `nowMs`: the youngest that was published long enough, else the oldest. undefined for a ring
 * without one.
 */
export function signingKey(ring: KeyRing, nowMs: number): RingKey | undefined {
  const able = ring.filter(({ privateJwk }) => privateJwk !== null);
  return able.findLast(({ createdAtMs }) => nowMs - createdAtMs >= PUBLISH_AHEAD_MS) ?? able[0];
}

/**
 * The step that is due, or undefined. `inUse`: the kids that receipts on hosts name; undefined while that is not
 * known, and then nothing is forgotten.
 */
export function nextRingStep(
  ring: KeyRing,
  nowMs: number,
  inUse: ReadonlySet<string> | undefined,
): RingStep | undefined {
  const signing = signingKey(ring, nowMs);
  const youngest = ring.findLast(({ privateJwk }) => privateJwk !== null);
  if (youngest === undefined || nowMs - youngest.createdAtMs >= SIGNING_LIFE_MS) return "add";
  if (ring.some((key) => isOutlived(key, signing))) return "retire";
  return ring.some((key) => isForgettable(key, nowMs, inUse)) ? "forget" : undefined;
}

/** The ring after a step; makes a key, stores nothing. */
export async function takeRingStep(
  ring: KeyRing,
  step: RingStep,
  nowMs: number,
  inUse: ReadonlySet<string> | undefined,
): Promise<KeyRing> {
  switch (step) {
    case "add":
      return [...ring, await newKey(nowMs)];
    case "retire": {
      const signing = signingKey(ring, nowMs);
      return ring.map((key) =>
        isOutlived(key, signing) ? { ...key, privateJwk: null, retiredAtMs: nowMs } : key,
      );
    }
    case "forget":
      return ring.filter((key) => !isForgettable(key, nowMs, inUse));
  }
}

function isOutlived(key: RingKey, signing: RingKey | undefined): boolean {
  return key.privateJwk !== null && signing !== undefined && key.createdAtMs < signing.createdAtMs;
}

function isForgettable(key: RingKey, nowMs: number, inUse: ReadonlySet<string> | undefined): boolean {
  return (
    key.retiredAtMs !== null &&
    nowMs - key.retiredAtMs >= KEEP_RETIRED_MS &&
    inUse !== undefined &&
    !inUse.has(key.kid)
  );
}

async function newKey(nowMs: number): Promise<RingKey> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const [publicJwk, privateJwk] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)]);
  const kid = await calculateJwkThumbprint(publicJwk);
  return { kid, publicJwk, privateJwk, createdAtMs: nowMs, retiredAtMs: null };
}

/** A stored ring; undefined for what is none. */
export function parseRing(text: string): KeyRing | undefined {
  try {
    const raw: unknown = JSON.parse(text);
    const isKey = (key: Partial<RingKey> | null) =>
      typeof key?.kid === "string" &&
      typeof key.publicJwk === "object" &&
      typeof key.createdAtMs === "number";
    return Array.isArray(raw) && raw.every(isKey) ? raw : undefined;
  } catch {
    return undefined;
  }
}
