import { randomBytes } from "node:crypto";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { httpsWebhookCaller, type ServiceTable } from "./admission/https-caller.ts";
import type { WebhookCaller } from "./admission/review.ts";
import { webhookAdmission } from "./admission/webhook-admission.ts";
import type { Auditor } from "./audit.ts";
import { type Authorizer, rbacAuthorizer } from "./auth/rbac.ts";
import { TokenAuthority } from "./auth/tokens.ts";
import type { UserInfo } from "./auth/user.ts";
import { bootstrap } from "./bootstrap.ts";
import { type ApiClientOptions, createSandboxApi } from "./client.ts";
import type { Core } from "./core.ts";
import { startCrdController } from "./crd-controller.ts";
import { startGarbageCollector } from "./garbage-collector.ts";
import { kubeconfigYaml } from "./kubeconfig.ts";
import { startNamespaceController } from "./namespaces.ts";
import { Registry } from "./registry.ts";
import { listen } from "./server.ts";
import { Store } from "./store.ts";

export interface CoreOptions {
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Uniform in [0, 1); default Math.random. Makes uids, generated names and watch lifetimes. */
  readonly random?: () => number;
  /** Replaces RBAC. */
  readonly authorize?: Authorizer;
  /** How webhooks are called. */
  readonly callWebhook: WebhookCaller;
  /** Told of each request; default: nobody is. */
  readonly audit?: Auditor;
  /** How many past changes watches can start from; default 10_000. */
  readonly historyLimit?: number;
  /** CustomResourceDefinitions that are served from the start. */
  readonly crds?: readonly KubeObject[];
  /** Deletes objects whose owners are gone, as a cluster's controller-manager does; default false. */
  readonly collectGarbage?: boolean;
}

/** A whole API server without sockets: what the in-process client and the HTTPS server stand on. */
export interface SandboxCore extends Core {
  /** Stops the controllers. */
  stop(): void;
}

export function createCore(options: CoreOptions): SandboxCore {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const store = new Store(options.historyLimit);
  const registry = new Registry(store);
  const authorize = options.authorize ?? rbacAuthorizer(store);
  const core: Core = {
    store,
    registry,
    clock,
    random,
    authorize,
    admission: webhookAdmission({ store, clock, random, registry, callWebhook: options.callWebhook }),
    tokens: new TokenAuthority(store, clock, random),
    audit: options.audit ?? (() => {}),
  };
  const stops = [startCrdController(core), startNamespaceController(core)];
  if (options.collectGarbage) stops.push(startGarbageCollector(core));
  bootstrap(core, options.crds ?? []);
  return {
    ...core,
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

export interface SandboxUser extends UserInfo {
  readonly token: string;
}

export interface SandboxOptions extends Omit<CoreOptions, "callWebhook"> {
  readonly callWebhook?: WebhookCaller;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Default 127.0.0.1: the sandbox is not made to be reached from elsewhere. */
  readonly host?: string;
  /** Default: an authority and a certificate of its own, valid for a year. */
  readonly tls?: { readonly caPem: string; readonly keyPem: string; readonly certPem: string };
  /** Beside `admin`, a member of system:masters, who is always there. */
  readonly users?: readonly SandboxUser[];
  /** Where services that webhooks name really are. */
  readonly services?: ServiceTable;
}

export interface Sandbox {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly caPem: string;
  readonly core: SandboxCore;
  /** Returns the token, a random one unless given. */
  addUser(user: UserInfo & { token?: string }): string;
  /** @throws Error when no such user was added */
  kubeconfig(username?: string): string;
  /** The API in process, without sockets, as that user. */
  api(user?: UserInfo, options?: ApiClientOptions): KubeApi;
  /** Forgets the history of changes: older watches and lists are answered 410. */
  compact(): void;
  /** Drops every connection and serves again on the same port with the same objects. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export const ADMIN: UserInfo = { username: "admin", groups: ["system:masters"] };

/** Source of the number: as long as anybody would leave a demonstration running. */
const CERTIFICATE_LIFE_MS = 365 * 24 * 3_600_000;

/** Starts an embedded Kubernetes API over HTTPS, for development, tests and demonstrations. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const clock = options.clock ?? systemClock;
  const host = options.host ?? "127.0.0.1";
  const caller = options.callWebhook === undefined ? httpsWebhookCaller(options.services) : undefined;
  const core = createCore({ ...options, callWebhook: options.callWebhook ?? caller!.call });
  const tls = options.tls ?? selfSigned(clock, host);
  const addUser: Sandbox["addUser"] = ({ token = randomBytes(18).toString("base64url"), ...user }) => {
    core.tokens.addUser(token, user);
    return token;
  };
  addUser(ADMIN);
  for (const user of options.users ?? []) addUser(user);
  const { keyPem, certPem } = tls;
  let listener = await listen(core, { port: options.port ?? 0, host, keyPem, certPem });
  const { port } = listener;
  const url = `https://${host}:${port}`;
  return {
    url,
    port,
    caPem: tls.caPem,
    core,
    addUser,
    kubeconfig(username = ADMIN.username) {
      const token = core.tokens.tokenOf(username);
      if (token === undefined) throw new Error(`the sandbox has no user ${username}`);
      return kubeconfigYaml({ url, caPem: tls.caPem, username, token });
    },
    api: (user = ADMIN, apiOptions = {}) => createSandboxApi(core, user, apiOptions),
    compact: () => core.store.compact(),
    async restart() {
      await listener.close();
      listener = await listen(core, { port, host, keyPem, certPem });
    },
    async close() {
      core.stop();
      caller?.close();
      await listener.close();
    },
  };
}

function selfSigned(clock: Clock, host: string): NonNullable<SandboxOptions["tls"]> {
  // An hour back: clients whose clocks lag should not have to wait.
  const notBeforeMs = clock.wallMs() - 3_600_000;
  const validity = { notBeforeMs, notAfterMs: notBeforeMs + CERTIFICATE_LIFE_MS };
  const authority = createAuthority({ ...validity, commonName: "beskar7-sandbox" });
  const serving = issueServing(authority, {
    ...validity,
    dnsNames: ["localhost", "kubernetes.default.svc"],
    ipAddresses: [...new Set([host, "127.0.0.1"])],
  });
  return { caPem: authority.certPem, keyPem: serving.keyPem, certPem: serving.certPem };
}
