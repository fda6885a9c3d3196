/**
 * Lists of which there are very many, most of them with a handful of items: kept at their exact length while they are
 * short, since growing in place would reserve room for 16 more. The list that is handed in must not be used again.
 */
const SHORT = 8;

export function inserted<T>(list: readonly T[], index: number, item: T): readonly T[] {
  if (list.length < SHORT) return list.toSpliced(index, 0, item);
  (list as T[]).splice(index, 0, item);
  return list;
}

export function removed<T>(list: readonly T[], index: number): readonly T[] {
  if (list.length <= SHORT) return list.toSpliced(index, 1);
  (list as T[]).splice(index, 1);
  return list;
}
