import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import { newKey, signed } from "../receipts/signed.ts";
import type { Row } from "./main.ts";

const WARM_UP = 200;
const RECEIPTS = 2_000;

/** Processor time of all threads: keys are used on those of the crypto library. */
export async function receiptRow(): Promise<Row> {
  const keys = await newKey({ clock: systemClock, log: silentLog });
  for (let n = 0; n < WARM_UP; n++) await signed(keys);
  const before = process.cpuUsage();
  for (let n = 0; n < RECEIPTS; n++) await signed(keys, { hostResourceVersion: String(n) });
  const { user, system } = process.cpuUsage(before);
  return { figure: "CPU per receipt signed", value: (user + system) / RECEIPTS, unit: "us", limit: null };
}
