import { COMMAND_NAMES } from "./config/spec.ts";
import { formatProblems, parseConfig, renderHelp } from "./config.ts";
import { VERSION } from "./version.ts";

/**
 * The composition root: one command with subcommands, each loaded only when it is asked for. Exit codes: 0 done,
 * 1 it failed, 2 the command line can't be understood.
 */
async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseConfig(argv, process.env);
  if (!parsed.ok) {
    process.stderr.write(`${formatProblems(parsed.problems)}\n`);
    return 2;
  }
  const { config } = parsed;
  switch (config.command) {
    case "help":
      process.stdout.write(`${renderHelp(COMMAND_NAMES.find((name) => name === config.args[0]))}\n`);
      return 0;
    case "version":
      process.stdout.write(`beskar7-claim-coordinator ${VERSION}\n`);
      return 0;
    case "manager":
      return (await import("./cli/manager.ts")).runManager(config);
    case "demo":
      return (await import("./demo/demo.ts")).runDemo(config);
    case "install":
    case "uninstall":
      return (await import("./cli/setup.ts")).runSetup(config);
    default:
      return (await import("./cli/inspect.ts")).runInspect(config);
  }
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}${cause}\n`);
  return 1;
});
