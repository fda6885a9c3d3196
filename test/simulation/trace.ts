/**
 * What happened, as a running hash: two runs are the same run exactly when their hashes are. With a printer it is
 * also shown, line by line.
 */
export class Trace {
  #hash = 0x811c9dc5;
  readonly #print: ((line: string) => void) | null;

  constructor(print: ((line: string) => void) | null = null) {
    this.#print = print;
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }

  note(atMs: number, who: string, what: string): void {
    const line = `${atMs.toFixed(3).padStart(11)} ${who.padEnd(13)} ${what}`;
    let hash = this.#hash;
    for (let at = 0; at < line.length; at++) hash = Math.imul(hash ^ line.charCodeAt(at), 0x01000193) >>> 0;
    this.#hash = hash;
    this.#print?.(line);
  }
}
