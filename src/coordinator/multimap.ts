/** Several values a key; a key without values is not there. */
export class Multimap<K, V> {
  readonly #values = new Map<K, Set<V>>();

  add(key: K, value: V): void {
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, new Set([value]));
    else values.add(value);
  }

  delete(key: K, value: V): void {
    const values = this.#values.get(key);
    if (values?.delete(value) && values.size === 0) this.#values.delete(key);
  }

  has(key: K): boolean {
    return this.#values.has(key);
  }

  get(key: K): ReadonlySet<V> | undefined {
    return this.#values.get(key);
  }
}
