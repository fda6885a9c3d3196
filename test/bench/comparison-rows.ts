import type { Row } from "./main.ts";

export const COORDINATORS = ["standard", "leader election"] as const;
export type Coordinator = (typeof COORDINATORS)[number];

/** What one coordinator was measured to do in one scenario. */
export interface Told {
  readonly figure: string;
  readonly value: number;
  /** Times ("ms") are compared; of counts one side is mostly 0, which no ratio says anything about. */
  readonly unit: "ms" | "";
}

/** The figures of both coordinators, and how many times as long the standard one took, figure by figure. */
export function comparedRows(scenario: string, told: Readonly<Record<Coordinator, readonly Told[]>>): Row[] {
  const rows = COORDINATORS.flatMap((coordinator) =>
    told[coordinator].map(({ figure, value, unit }) =>
      row(`${coordinator}, ${scenario}: ${figure}`, value, unit),
    ),
  );
  const ratios = told.standard.flatMap(({ figure, value, unit }) => {
    const ours = told["leader election"].find((other) => other.figure === figure);
    if (unit !== "ms" || ours === undefined) return [];
    return row(`standard / leader election, ${scenario}: ${figure}`, value / ours.value, "x");
  });
  return [...rows, ...ratios];
}

function row(figure: string, value: number, unit: string): Row {
  return { figure, value, unit, limit: null };
}
