import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  jwtVerify,
  SignJWT,
} from "jose";
import type { Clock } from "../../clock.ts";
import { randomUid } from "../identifiers.ts";
import { asObject } from "../json.ts";
import type { Store } from "../store.ts";
import { POD_NAME_EXTRA, type UserInfo } from "./user.ts";

/** ES256, where a cluster would sign with RS256: made in a millisecond, and verified by the same code. */
const ALGORITHM = "ES256";
export const ISSUER = "https://kubernetes.default.svc";

/** What a service account's token is bound to. */
export interface TokenBinding {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

interface Keys {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

/** Knows the static users and issues and checks the tokens of service accounts. */
export class TokenAuthority {
  readonly #users = new Map<string, UserInfo>();
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: () => number;
  #keys: Promise<Keys> | undefined;

  constructor(store: Store, clock: Clock, random: () => number) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  addUser(token: string, user: UserInfo): void {
    this.#users.set(token, user);
  }

  /** The token of a static user, by name. */
  tokenOf(username: string): string | undefined {
    for (const [token, user] of this.#users) if (user.username === username) return token;
    return undefined;
  }

  /** Whose token it is; undefined when it is nobody's, or not any more. */
  async authenticate(token: string, audience = ISSUER): Promise<UserInfo | undefined> {
    const known = this.#users.get(token);
    if (known !== undefined) return known;
    if (token.split(".").length !== 3) return undefined;
    const { publicKey } = await this.#keyPair();
    try {
      const { payload } = await jwtVerify(token, publicKey, {
        issuer: ISSUER,
        audience,
        currentDate: new Date(this.#clock.wallMs()),
      });
      return this.#boundUser(asObject(payload["kubernetes.io"]), String(payload.jti));
    } catch {
      return undefined;
    }
  }

  async issue(binding: TokenBinding): Promise<{ token: string; expiresMs: number }> {
    const { privateKey, jwk } = await this.#keyPair();
    const issuedS = Math.floor(this.#clock.wallMs() / 1000);
    const expiresS = issuedS + binding.expirationSeconds;
    const { namespace, serviceAccount, pod } = binding;
    const token = await new SignJWT({
      "kubernetes.io": {
        namespace,
        ...(pod === undefined ? {} : { pod }),
        serviceaccount: serviceAccount,
      },
    })
      .setProtectedHeader({ alg: ALGORITHM, kid: String(jwk.kid) })
      .setIssuer(ISSUER)
      .setSubject(`system:serviceaccount:${namespace}:${serviceAccount.name}`)
      .setAudience([...binding.audiences])
      .setIssuedAt(issuedS)
      .setNotBefore(issuedS)
      .setExpirationTime(expiresS)
      .setJti(randomUid(this.#random))
      .sign(privateKey);
    return { token, expiresMs: expiresS * 1000 };
  }

  /** The public key set, as `/openid/v1/jwks` serves it. */
  async jwks(): Promise<{ keys: JWK[] }> {
    return { keys: [(await this.#keyPair()).jwk] };
  }

  /** A token lives no longer than the account and the pod it is bound to. */
  #boundUser(claims: Record<string, unknown>, id: string): UserInfo | undefined {
    const namespace = String(claims.namespace);
    const account = asObject(claims.serviceaccount);
    const stored = this.#store.get("serviceaccounts", `${namespace}/${account.name}`);
    if (stored === undefined || stored.metadata.uid !== account.uid) return undefined;
    const extra: Record<string, string[]> = { "authentication.kubernetes.io/credential-id": [`JTI=${id}`] };
    if (claims.pod !== undefined) {
      const pod = asObject(claims.pod);
      if (this.#store.get("pods", `${namespace}/${pod.name}`)?.metadata.uid !== pod.uid) return undefined;
      extra[POD_NAME_EXTRA] = [String(pod.name)];
      extra["authentication.kubernetes.io/pod-uid"] = [String(pod.uid)];
    }
    return {
      username: `system:serviceaccount:${namespace}:${account.name}`,
      uid: String(account.uid),
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
      extra,
    };
  }

  /** Made at the first token: most sandboxes never need one. */
  #keyPair(): Promise<Keys> {
    this.#keys ??= makeKeys();
    return this.#keys;
  }
}

async function makeKeys(): Promise<Keys> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM);
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { privateKey, publicKey, jwk: { ...jwk, use: "sig", alg: ALGORITHM, kid } };
}
