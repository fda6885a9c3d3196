/**
 * `npm run bench` runs every bench but the long ones, `npm run bench -- all` those too, `npm run bench -- NAME...` only
 * those named; prints a row a figure, with its limit where there is one, and fails when a limit is passed or a bench
 * breaks; the others run all the same.
 */
import { BENCHES } from "./benches.ts";
import { runBenches } from "./table.ts";

/** One figure. */
export interface Row {
  readonly figure: string;
  readonly value: number;
  /** "us", "ms", "bytes" and so on. */
  readonly unit: string;
  /** The value is not to be greater; null: only told. */
  readonly limit: number | null;
}

export interface Bench {
  readonly name: string;
  /** It takes minutes, so it does not run with the others. */
  readonly onlyNamed?: boolean;
  run(): Promise<Row[]>;
}

const names = process.argv.slice(2);
const all = names.length === 1 && names[0] === "all";
const unknown = all ? [] : names.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) {
  const known = BENCHES.map((bench) => bench.name).join(", ");
  console.error(`No bench is called ${unknown.join(", ")}; there are: all, ${known}`);
  process.exitCode = 2;
} else {
  const wanted = BENCHES.filter(({ name, onlyNamed }) =>
    names.length === 0 ? onlyNamed !== true : all || names.includes(name),
  );
  process.exitCode = (await runBenches(wanted, console.log)) ? 0 : 1;
}
