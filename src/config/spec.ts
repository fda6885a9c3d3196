import { formatDurationMs, parseDurationMs } from "./duration.ts";

/** What a person can run: the first word of the command line. */
export const COMMAND_NAMES = [
  "manager",
  "demo",
  "install",
  "uninstall",
  "queue",
  "explain",
  "doctor",
  "verify",
  "version",
  "help",
] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];

/** The headings of --help and docs/flags.md, in their order. */
export const GROUPS = [
  "Leader election",
  "Claims",
  "Webhooks",
  "Certificates",
  "Metrics, health and queue API",
  "Cluster",
  "Demo",
  "Output",
] as const;
export type Group = (typeof GROUPS)[number];

/** One thing wrong with what was given: where, what was given, what is wanted instead. */
export interface Problem {
  /** The flag ("--lease-name"), the argument or the environment variable. */
  readonly path: string;
  readonly got: string;
  readonly want: string;
}

/** What every flag says of itself, whatever its type. */
export interface Described {
  /** Without dashes. */
  readonly flag: string;
  /** A one-letter form, where there is one. */
  readonly short?: string;
  readonly group: Group;
  /** The commands that take it. */
  readonly commands: readonly CommandName[];
  /** One or two sentences of plain English. */
  readonly help: string;
}

/** The outcome of reading one value; `want` is the whole of a problem but for its path. */
export type Parsed<V> = { readonly value: V } | { readonly want: string };

export interface Spec<V> extends Described {
  /** As a person would type it; "" is shown as no default. */
  readonly default: string;
  /** The word that stands for the value in --help. */
  readonly placeholder: string;
  /** The unit or the closed set of values, for --help; "" where the placeholder says it all. */
  readonly values: string;
  /** A flag that needs no value: `--x` is `--x=true`. */
  readonly isBoolean: boolean;
  /** May be given several times; the values are joined by a comma. */
  readonly isList: boolean;
  parse(text: string): Parsed<V>;
}

type Options = Described & { readonly default: string };

export function duration(
  options: Options & { minMs: number; maxMs?: number; wholeSeconds?: boolean },
): Spec<number> {
  const { minMs, maxMs = Number.POSITIVE_INFINITY, wholeSeconds = false, ...described } = options;
  const upTo = maxMs === Number.POSITIVE_INFINITY ? "" : ` to ${formatDurationMs(maxMs)}`;
  const unit = wholeSeconds ? "whole seconds" : "a duration";
  const want = `${unit} such as ${options.default}, ${formatDurationMs(minMs)}${upTo || " or more"}`;
  return {
    ...described,
    placeholder: "duration",
    values: `${formatDurationMs(minMs)}${upTo || " or more"}${wholeSeconds ? ", whole seconds" : ""}`,
    isBoolean: false,
    isList: false,
    parse(text) {
      const ms = parseDurationMs(text);
      if (ms === undefined || ms < minMs || ms > maxMs) return { want };
      return wholeSeconds && ms % 1_000 !== 0 ? { want } : { value: ms };
    },
  };
}

export function integer(options: Options & { min: number; max: number }): Spec<number> {
  const { min, max, ...described } = options;
  return {
    ...described,
    placeholder: "int",
    values: `${min} to ${max}`,
    isBoolean: false,
    isList: false,
    parse(text) {
      const value = Number(text);
      return /^-?\d+$/.test(text) && value >= min && value <= max
        ? { value }
        : { want: `a whole number from ${min} to ${max}` };
    },
  };
}

// The words that Go's strconv.ParseBool takes.
const TRUE_WORDS = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE_WORDS = ["0", "f", "F", "FALSE", "false", "False"];

export function bool(options: Options): Spec<boolean> {
  return {
    ...options,
    placeholder: "",
    values: "",
    isBoolean: true,
    isList: false,
    parse(text) {
      if (TRUE_WORDS.includes(text)) return { value: true };
      return FALSE_WORDS.includes(text) ? { value: false } : { want: "true or false" };
    },
  };
}

/** One of a closed set; what comes out is what `choices` maps the word to. */
export function choice<V>(options: Options & { choices: Readonly<Record<string, V>> }): Spec<V> {
  const { choices, ...described } = options;
  const words = Object.keys(choices).filter((word) => word !== "");
  return {
    ...described,
    placeholder: "word",
    values: words.join(", "),
    isBoolean: false,
    isList: false,
    parse: (text) =>
      Object.hasOwn(choices, text) ? { value: choices[text]! } : { want: `one of ${words.join(", ")}` },
  };
}

export function text(
  options: Options & { placeholder?: string; pattern?: RegExp; want?: string; mayBeEmpty?: boolean },
): Spec<string> {
  const {
    pattern,
    want = "a value that is not empty",
    mayBeEmpty = false,
    placeholder = "text",
    ...described
  } = options;
  return {
    ...described,
    placeholder,
    values: "",
    isBoolean: false,
    isList: false,
    parse(given) {
      if (given === "") return mayBeEmpty ? { value: "" } : { want };
      return pattern === undefined || pattern.test(given) ? { value: given } : { want };
    },
  };
}

// RFC 1123, as the API server checks names of objects and of namespaces.
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const objectName = (options: Options): Spec<string> =>
  text({
    ...options,
    placeholder: "name",
    pattern: DNS_SUBDOMAIN,
    want: "a Kubernetes name: lower-case letters, digits, '-' and '.'",
  });

/** Empty means: decided elsewhere (an environment variable, the kubeconfig). */
export const namespaceName = (options: Options): Spec<string> =>
  text({
    ...options,
    placeholder: "namespace",
    pattern: DNS_LABEL,
    want: "a namespace: lower-case letters, digits and '-', at most 63",
    mayBeEmpty: true,
  });

/** Several, http or https, without users; of each what stands before the path. */
export function baseUrls(options: Options): Spec<readonly string[]> {
  return {
    ...options,
    placeholder: "url,...",
    values: "",
    isBoolean: false,
    isList: true,
    parse(given) {
      const urls = splitList(given).map((item) => (URL.canParse(item) ? new URL(item) : null));
      const good = urls.every(
        (url) =>
          url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.pathname === "/",
      );
      return good
        ? { value: urls.map((url) => url!.origin) }
        : { want: "http:// or https:// URLs without a path, several joined by commas" };
    },
  };
}

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

export function serviceAccounts(options: Options): Spec<readonly ServiceAccountName[]> {
  return {
    ...options,
    placeholder: "namespace:name,...",
    values: "",
    isBoolean: false,
    isList: true,
    parse(given) {
      const accounts = splitList(given).map((item) => item.split(":"));
      const good = accounts.every(
        ([namespace = "", name = "", ...rest]) =>
          rest.length === 0 && DNS_LABEL.test(namespace) && DNS_SUBDOMAIN.test(name),
      );
      if (!good) return { want: "namespace:name, several joined by commas" };
      return { value: accounts.map(([namespace, name]) => ({ namespace: namespace!, name: name! })) };
    },
  };
}

export function words(options: Options & { placeholder: string }): Spec<readonly string[]> {
  return {
    ...options,
    values: "",
    isBoolean: false,
    isList: true,
    parse: (given) => ({ value: splitList(given) }),
  };
}

function splitList(given: string): string[] {
  return given
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** Where to listen. */
export interface BindAddress {
  /** "" listens on every interface. IPv6 without brackets. */
  readonly host: string;
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number;
}

/** `host:port` as Go's net.Listen takes it; null (from "0", as in controller-runtime) where it may be off. */
export function bindAddress<Off extends boolean>(
  options: Options & { mayBeOff: Off },
): Spec<Off extends true ? BindAddress | null : BindAddress> {
  type Value = Off extends true ? BindAddress | null : BindAddress;
  const { mayBeOff, ...described } = options;
  return {
    ...described,
    placeholder: "host:port",
    values: mayBeOff ? '"0" turns it off' : "",
    isBoolean: false,
    isList: false,
    parse(given) {
      const want = `host:port or :port, port 0 to 65535${mayBeOff ? ', or "0" for off' : ""}`;
      if (given === "0") return mayBeOff ? { value: null as Value } : { want };
      const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(given);
      const port = Number(match?.[3]);
      if (match === null || port > 65_535) return { want };
      return { value: { host: match[1] ?? match[2] ?? "", port } as Value };
    },
  };
}

export function httpsUrl(options: Options): Spec<string> {
  return {
    ...options,
    placeholder: "url",
    values: "",
    isBoolean: false,
    isList: false,
    parse(given) {
      if (given === "") return { value: "" };
      const url = URL.canParse(given) ? new URL(given) : undefined;
      // The API server refuses a webhook's clientConfig.url with any of these.
      const good = url?.protocol === "https:" && url.username === "" && url.search === "" && url.hash === "";
      return good
        ? { value: given.replace(/\/$/, "") }
        : { want: "an https:// URL without user, query or fragment" };
    },
  };
}
