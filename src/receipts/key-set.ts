import { readFile } from "node:fs/promises";
import type { JSONWebKeySet } from "jose";

/** For the whole answer of a URL. */
const PATIENCE_MS = 10_000;

/** A set of public keys could not be had; the message says whose, its cause why. */
export class KeySetError extends Error {
  override readonly name = "KeySetError";
}

/**
 * The public keys of receipts as `/.well-known/jwks.json` has them, from a file or an https:// URL. Rejects with a
 * KeySetError. Plain http is refused: whoever can change the keys can make receipts.
 */
export async function readKeySet(source: string): Promise<JSONWebKeySet> {
  if (/^http:/i.test(source)) throw new KeySetError(`${source}: keys are only taken over https`);
  let text: string;
  try {
    text = /^https:/i.test(source) ? await download(source) : await readFile(source, "utf8");
  } catch (error) {
    // fetch hides what went wrong behind "fetch failed".
    const cause = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
    throw new KeySetError(`the keys of ${source} can't be read`, { cause });
  }
  const keys = parseKeySet(text);
  if (keys === null) throw new KeySetError(`${source} holds no JSON Web Key Set`);
  return keys;
}

async function download(url: string): Promise<string> {
  const answer = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.text();
}

function parseKeySet(text: string): JSONWebKeySet | null {
  try {
    const { keys } = JSON.parse(text) as Partial<JSONWebKeySet>;
    const good = Array.isArray(keys) && keys.every((key) => typeof key?.kty === "string");
    return good ? { keys } : null;
  } catch {
    return null;
  }
}
