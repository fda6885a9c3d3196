import { readArgv } from "./config/argv.ts";
import { COMMANDS } from "./config/commands.ts";
import { formatDurationMs } from "./config/duration.ts";
import { FLAG_FIELDS, FLAGS, type FlagValues, flagSpec } from "./config/flags.ts";
import { nearest } from "./config/nearest.ts";
import { COMMAND_NAMES, type CommandName, type Problem } from "./config/spec.ts";

export { renderFlagsMarkdown, renderHelp } from "./config/help.ts";
export type { BindAddress, CommandName, Problem, ServiceAccountName } from "./config/spec.ts";

/** Where the service lives when nothing says otherwise. */
export const DEFAULT_NAMESPACE = "beskar7-system";

/** Everything that a person or a Deployment can decide, read once at start. */
export interface Config extends FlagValues {
  readonly command: CommandName;
  /** What followed the command's name and is no flag. For `help`: the command asked about, if any. */
  readonly args: readonly string[];
  /** Environment POD_NAME; "" outside a pod. */
  readonly podName: string;
  /** The namespace this service runs in: --namespace where a person registers it, POD_NAMESPACE, beskar7-system. */
  readonly serviceNamespace: string;
  /** Whether KUBERNETES_SERVICE_HOST says that a kubelet started this process. */
  readonly inCluster: boolean;
}

export type ParseResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Pure: the same words and environment give the same answer, with every problem found in one go. */
export function parseConfig(argv: readonly string[], env: Environment): ParseResult {
  const inCluster = (env.KUBERNETES_SERVICE_HOST ?? "") !== "";
  const { command, rest, isNamed } = splitCommand(argv, inCluster);
  if (!isCommand(command)) return { ok: false, problems: [unknownCommand(command)] };

  const words = readArgv(rest, command, FLAGS);
  const place = { podName: env.POD_NAME ?? "", inCluster };
  if (words.wantsHelp) {
    const defaults = readValues(new Map()).values;
    const serviceNamespace = env.POD_NAMESPACE || DEFAULT_NAMESPACE;
    const args = isNamed && command !== "help" ? [command] : words.positional;
    return {
      ok: true,
      config: Object.freeze({ ...defaults, ...place, serviceNamespace, command: "help", args }),
    };
  }

  const { values, problems: bad } = readValues(words.given);
  const problems = [...words.problems, ...bad, ...checkArguments(command, words.positional)];
  const badFields = new Set(bad.map((problem) => problem.path));
  problems.push(
    ...checkLeaseTimes(values, badFields),
    ...checkStateless(values),
    ...checkOidc(values),
    ...checkOutput(command, values),
  );
  if (problems.length > 0) return { ok: false, problems };

  const registers = command === "install" || command === "uninstall" || command === "doctor";
  const serviceNamespace = (registers && values.namespace) || env.POD_NAMESPACE || DEFAULT_NAMESPACE;
  const config: Config = {
    ...values,
    ...place,
    command,
    args: Object.freeze([...words.positional]),
    serviceNamespace,
    leaseNamespace: values.leaseNamespace || serviceNamespace,
    kubeconfig: values.kubeconfig || (env.KUBECONFIG ?? ""),
  };
  return { ok: true, config: Object.freeze(config) };
}

/** One line a problem, for standard error. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ path, got, want }) => `${path}: got ${got === "" ? '""' : got}, want ${want}\n`)
    .join("");
}

function splitCommand(argv: readonly string[], inCluster: boolean) {
  const [first, ...rest] = argv;
  if (first === undefined) return { command: inCluster ? "manager" : "demo", rest, isNamed: false };
  if (first === "--version") return { command: "version", rest, isNamed: true };
  if (!first.startsWith("-")) return { command: first, rest, isNamed: true };
  const command = !inCluster && namesFlagOfDemo(argv) ? "demo" : "manager";
  return { command, rest: argv, isNamed: false };
}

/** Whether somebody who named no command can only have meant the demo. */
function namesFlagOfDemo(argv: readonly string[]): boolean {
  const { given } = readArgv(argv, "demo", FLAGS);
  return FLAG_FIELDS.some((field) => given.has(field) && flagSpec(field).commands.every(isDemo));
}

const isDemo = (command: CommandName) => command === "demo";

const isCommand = (word: string): word is CommandName => (COMMAND_NAMES as readonly string[]).includes(word);

function unknownCommand(word: string): Problem {
  const guess = nearest(word, COMMAND_NAMES);
  const want =
    guess === undefined ? `one of ${COMMAND_NAMES.join(", ")}` : `a command; did you mean ${guess}?`;
  return { path: "command", got: word, want };
}

function readValues(given: ReadonlyMap<string, string>): { values: FlagValues; problems: Problem[] } {
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const field of FLAG_FIELDS) {
    const spec = flagSpec(field);
    const text = given.get(field);
    const parsed = spec.parse(text ?? spec.default);
    if ("value" in parsed) {
      values[field] = Object.freeze(parsed.value);
      continue;
    }
    problems.push({ path: `--${spec.flag}`, got: text ?? spec.default, want: parsed.want });
    const fallback = spec.parse(spec.default);
    if ("value" in fallback) values[field] = fallback.value;
  }
  return { values: values as unknown as FlagValues, problems };
}

function checkArguments(command: CommandName, args: readonly string[]): Problem[] {
  const { minArgs, maxArgs, usage } = COMMANDS[command];
  if (args.length >= minArgs && args.length <= maxArgs) {
    const asked = args[0];
    return command === "help" && asked !== undefined && !isCommand(asked) ? [unknownCommand(asked)] : [];
  }
  const got = args.length === 0 ? "nothing" : args.join(" ");
  return [{ path: "arguments", got, want: maxArgs === 0 ? `none after ${command}` : `${command} ${usage}` }];
}

// The slack that client-go asks for between a renew deadline and its jittered retry period.
const JITTER_FACTOR = 1.2;

/** Relations between the three times, only where each is good by itself: a bad one was reported already. */
function checkLeaseTimes(values: FlagValues, badFlags: ReadonlySet<string>): Problem[] {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = values;
  const [lease, renew, retry] = [FLAGS.leaseDurationMs, FLAGS.renewDeadlineMs, FLAGS.retryPeriodMs].map(
    ({ flag }) => ({ path: `--${flag}`, isGood: !badFlags.has(`--${flag}`) }),
  );
  const problems: Problem[] = [];
  if (lease!.isGood && renew!.isGood && leaseDurationMs <= renewDeadlineMs) {
    problems.push({
      path: lease!.path,
      got: formatDurationMs(leaseDurationMs),
      want: `more than ${renew!.path} (${formatDurationMs(renewDeadlineMs)})`,
    });
  }
  const shortestRenewMs = Math.round(JITTER_FACTOR * retryPeriodMs * 1e3) / 1e3;
  if (renew!.isGood && retry!.isGood && renewDeadlineMs <= shortestRenewMs) {
    problems.push({
      path: renew!.path,
      got: formatDurationMs(renewDeadlineMs),
      want: `more than ${JITTER_FACTOR} x ${retry!.path} (${formatDurationMs(shortestRenewMs)})`,
    });
  }
  return problems;
}

/** What only a replica that knows the cluster at all times can do. */
function checkStateless({ stateless, leaderElection, releaseOrphanedHosts }: FlagValues): Problem[] {
  if (!stateless) return [];
  const refused = [
    { flag: FLAGS.leaderElection.flag, given: leaderElection },
    { flag: FLAGS.releaseOrphanedHosts.flag, given: releaseOrphanedHosts },
  ].filter(({ given }) => given);
  const want = `false, since --${FLAGS.stateless.flag} is given: it watches nothing`;
  return refused.map(({ flag }) => ({ path: `--${flag}`, got: "true", want }));
}

function checkOidc({ oidcIssuer, oidcJwks }: FlagValues): Problem[] {
  if ((oidcIssuer === "") === (oidcJwks === "")) return [];
  const [missing, present] =
    oidcIssuer === "" ? [FLAGS.oidcIssuer, FLAGS.oidcJwks] : [FLAGS.oidcJwks, FLAGS.oidcIssuer];
  return [{ path: `--${missing.flag}`, got: "", want: `a value, since --${present.flag} is given` }];
}

function checkOutput(command: CommandName, { output }: FlagValues): Problem[] {
  if (output !== "wide" || command === "queue" || command === "explain") return [];
  return [{ path: `--${FLAGS.output.flag}`, got: output, want: `text, json or yaml for ${command}` }];
}
