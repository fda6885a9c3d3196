import type { CommandName } from "./spec.ts";

/** Commands that share flags: those that run the service, those that register it, those that speak to a cluster. */
export const RUNNING = ["manager", "demo"] as const;
export const REGISTERING = ["manager", "install", "uninstall", "doctor"] as const;
export const CLUSTER = ["manager", "install", "uninstall", "queue", "explain", "doctor", "verify"] as const;

export interface Command {
  /** What follows the command's name in a usage line; "" where nothing may. */
  readonly usage: string;
  readonly minArgs: number;
  readonly maxArgs: number;
  readonly summary: string;
}

export const COMMANDS: Readonly<Record<CommandName, Command>> = {
  manager: {
    usage: "",
    minArgs: 0,
    maxArgs: 0,
    summary: "Run the service. The default where flags come first, and inside a cluster.",
  },
  demo: {
    usage: "",
    minArgs: 0,
    maxArgs: 0,
    summary:
      "Run it in a sandbox with a workload, no cluster needed. The default outside a cluster, alone or with flags that only the demo has.",
  },
  install: {
    usage: "",
    minArgs: 0,
    maxArgs: 0,
    summary: "Apply the CRD, the rights and both webhook configurations.",
  },
  uninstall: {
    usage: "",
    minArgs: 0,
    maxArgs: 0,
    summary: "Remove them, in the order that leaves nothing stuck.",
  },
  queue: { usage: "", minArgs: 0, maxArgs: 0, summary: "Who waits for a host, in order, and why." },
  explain: {
    usage: "[KIND/]NAME",
    minArgs: 1,
    maxArgs: 1,
    summary: "For a machine: which host fits, or why not, and who is ahead. For a host: who would get it.",
  },
  doctor: {
    usage: "",
    minArgs: 0,
    maxArgs: 0,
    summary: "Look for what is wrong with the installation; how to mend it.",
  },
  verify: { usage: "HOST|RECEIPT", minArgs: 1, maxArgs: 1, summary: "Check the receipt of a claimed host." },
  version: { usage: "", minArgs: 0, maxArgs: 0, summary: "Print the version." },
  help: { usage: "[COMMAND]", minArgs: 0, maxArgs: 1, summary: "Print this, or the flags of one command." },
};
