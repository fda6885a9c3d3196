/**
 * Reads that several may wait for. Whoever asks gets the result of a read that began after the question, so that
 * nothing that was true then is missed; those who ask while one is under way share the one that follows it.
 */
export class SharedReads<T> {
  readonly #read: (key: string) => Promise<T>;
  readonly #underWay = new Map<string, { running: Promise<T>; next: Promise<T> | null }>();

  constructor(read: (key: string) => Promise<T>) {
    this.#read = read;
  }

  after(key: string): Promise<T> {
    const before = this.#underWay.get(key);
    if (before === undefined) return this.#begin(key);
    const begin = () => this.#begin(key);
    before.next ??= before.running.then(begin, begin);
    return before.next;
  }

  #begin(key: string): Promise<T> {
    const running = this.#read(key);
    const entry = { running, next: null };
    this.#underWay.set(key, entry);
    const forget = () => {
      if (entry.next === null) this.#underWay.delete(key);
    };
    running.then(forget, forget);
    return running;
  }
}
