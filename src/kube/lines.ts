const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines. Works on bytes, since a newline byte never lies inside a UTF-8 character while
 * a chunk boundary may; keeps the pieces of an unfinished line apart, so that a huge line costs one copy.
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #pieces: Buffer[] = [];

  /** `onLine` gets each line without its newline; empty lines are left out. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#pieces.push(chunk.subarray(start, end));
      start = end + 1;
      this.#emit();
    }
    if (start < chunk.length) this.#pieces.push(chunk.subarray(start));
  }

  /** The stream ended: what follows the last newline is a line too. */
  end(): void {
    this.#emit();
  }

  #emit(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    if (bytes.length > 0) this.#onLine(bytes.toString("utf8"));
  }
}
