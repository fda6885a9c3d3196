/**
 * Who may look through the people's door. Framework-free: headers in, verdict out; express is in
 * auth-middleware.ts, the answers of the API server in auth-kubernetes.ts, tokens without it in auth-offline.ts.
 */

/** A user as the API server knows it. */
export interface User {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What somebody wants to do. */
export type Access =
  /** A path that is no resource of Kubernetes: "/metrics". */
  | { readonly verb: string; readonly path: string }
  /** `namespace` "": all of them. */
  | { readonly verb: string; readonly group: string; readonly resource: string; readonly namespace: string };

/** An HTTP answer in place of what was asked for. 503 means that nobody could be asked: try again. */
export interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly message: string;
}

export type Authentication = { readonly user: User } | Refusal;
export type Authorization = { readonly allowed: true } | Refusal;

export interface Auth {
  authenticate(headers: { readonly authorization?: string | undefined }): Promise<Authentication>;
  authorize(user: User, access: Access): Promise<Authorization>;
}

/** Says whose a token is. Rejects with the cause when that can't be found out. */
export type CheckToken = (token: string) => Promise<User | undefined>;
/** Says whether the user may; rejects likewise. */
export type CheckAccess = (user: User, access: Access) => Promise<boolean>;

/** Larger tokens are refused unread; those of service accounts have about 1 KB, those of big identity providers 8. */
const LONGEST_TOKEN = 16 * 1024;
/** b64token of RFC 6750, 2.1. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

const UNAUTHENTICATED: Refusal = { status: 401, message: "a valid bearer token is needed" };
const UNREACHABLE: Refusal = { status: 503, message: "rights can't be checked now" };

export function createAuth(checks: {
  checkToken: CheckToken;
  checkAccess: CheckAccess;
  /** Told of what kept a check from being made. */
  onFailure(error: unknown): void;
}): Auth {
  return {
    async authenticate({ authorization }) {
      const token = bearerToken(authorization);
      if (token === undefined) return UNAUTHENTICATED;
      try {
        const user = await checks.checkToken(token);
        return user === undefined ? UNAUTHENTICATED : { user };
      } catch (error) {
        checks.onFailure(error);
        return UNREACHABLE;
      }
    },
    async authorize(user, access) {
      try {
        if (await checks.checkAccess(user, access)) return { allowed: true };
        return { status: 403, message: `${user.username} may not ${describe(access)}` };
      } catch (error) {
        checks.onFailure(error);
        return UNREACHABLE;
      }
    },
  };
}

/** Lets everybody through: `--metrics-secure=false`. */
export const openAuth: Auth = {
  authenticate: async () => ({
    user: { username: "system:anonymous", uid: "", groups: ["system:unauthenticated"], extra: {} },
  }),
  authorize: async () => ({ allowed: true }),
};

function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > LONGEST_TOKEN) return undefined;
  return BEARER.exec(authorization)?.[1];
}

function describe(access: Access): string {
  if ("path" in access) return `${access.verb} ${access.path}`;
  const { verb, resource, group, namespace } = access;
  return `${verb} ${resource}.${group} ${namespace === "" ? "in all namespaces" : `in namespace ${namespace}`}`;
}
