import { type Clock, sleep } from "../src/clock.ts";
import type { Log } from "../src/log.ts";
import type { CaBundleKeeper } from "./ca-bundle.ts";
import type { CertificateSource } from "./source.ts";

/**
 * For a source that does not publish its authority itself (files): keeps the registrations at its current caPem
 * until the signal is aborted. Where the authority is not known, edits are still reported.
 */
export async function keepCaBundle(
  options: {
    keeper: CaBundleKeeper;
    source: CertificateSource;
    clock: Clock;
    log: Log;
    /** Pause between two looks, milliseconds; default 10_000. */
    checkMs?: number;
  },
  signal: AbortSignal,
): Promise<void> {
  const { keeper, source, clock, log, checkMs = 10_000 } = options;
  while (!signal.aborted) {
    try {
      const registrations = await keeper.read({ signal });
      const { caPem } = source.current();
      if (caPem !== "") await keeper.repair(registrations, caPem, { signal });
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, "Could not look after the registrations");
    }
    await sleep(clock, checkMs, signal).catch(() => {});
  }
}
