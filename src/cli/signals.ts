/** Resolves with the first SIGINT or SIGTERM; a second one ends the process at once, for whoever can't wait. */
export function untilSignalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let signalled = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        // A terminal signals the whole group and the launcher forwards it: the same Ctrl-C arrives twice.
        if (signalled) return;
        signalled = true;
        resolve(signal);
        setTimeout(() => process.on(signal, () => process.exit(1)), 500).unref();
      });
    }
  });
}
