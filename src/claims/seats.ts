/** Seats in the order of their hosts. */
import type { Host } from "./claim.ts";
import type { Seat } from "./network.ts";

/** Hosts of a pool in their order: by name, and by uid while a host and its successor are both there. */
export function isBefore(a: Host, b: Host): boolean {
  return a.name < b.name || (a.name === b.name && a.uid < b.uid);
}

/** How many of the sorted seats come before that of the host. */
export function seatIndex(seats: readonly Seat[], host: Host): number {
  let low = 0;
  let high = seats.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(seats[middle]!.host, host)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** API servers list by name, so that nearly always there is nothing to do. */
export function sortedSeats(seats: Seat[]): Seat[] {
  for (let i = 1; i < seats.length; i++) {
    if (!isBefore(seats[i - 1]!.host, seats[i]!.host)) {
      return seats.sort((a, b) => (isBefore(a.host, b.host) ? -1 : 1));
    }
  }
  return seats;
}

/** Two sorted lists in one. */
export function merged(a: readonly Seat[], b: readonly Seat[]): Seat[] {
  const all: Seat[] = [];
  let i = 0;
  for (const seat of b) {
    while (i < a.length && isBefore(a[i]!.host, seat.host)) all.push(a[i++]!);
    all.push(seat);
  }
  while (i < a.length) all.push(a[i++]!);
  return all;
}

/**
 * Without those of `gone`, each of which is in `seats`; both sorted. The list that is handed in must not be used again.
 * Looks at no host: most of the time would go into waiting for memory.
 */
export function without(seats: readonly Seat[], gone: readonly Seat[]): readonly Seat[] {
  const left = seats as Seat[];
  let from = 0;
  let to = 0;
  for (const seat of gone) {
    const at = left.indexOf(seat, from);
    if (to === from) to = at;
    else while (from < at) left[to++] = left[from++]!;
    from = at + 1;
  }
  while (from < left.length) left[to++] = left[from++]!;
  left.length = to;
  return left;
}
