/** The API server's parser; its words for what is wrong with a text are part of the answers clients see. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#fail("after top-level value");
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #fail(where: string): never {
    if (this.#at >= this.#text.length) throw new Error("unexpected end of JSON input");
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at) as number);
    const shown = character === "'" ? "\\'" : character;
    throw new Error(`invalid character '${shown}' ${where}`);
  }

  #take(character: string, where: string): void {
    if (this.#text[this.#at] !== character) this.#fail(where);
    this.#at++;
  }

  #value(): void {
    this.#space();
    const next = this.#text[this.#at] ?? "";
    if (next === "{") this.#members("}", "object", () => this.#member());
    else if (next === "[") this.#members("]", "array", () => this.#value());
    else if (next === '"') this.#string();
    else if (/[-0-9]/.test(next)) this.#number();
    else this.#literal(next);
  }

  #members(end: string, kind: "object" | "array", member: () => void): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === end) {
      this.#at++;
      return;
    }
    for (;;) {
      member();
      this.#space();
      if (this.#text[this.#at] === end) break;
      this.#take(",", kind === "object" ? "after object key:value pair" : "after array element");
    }
    this.#at++;
  }

  #member(): void {
    this.#space();
    if (this.#text[this.#at] !== '"') this.#fail("looking for beginning of object key string");
    this.#string();
    this.#space();
    this.#take(":", "after object key");
    this.#value();
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const next = this.#text[this.#at] ?? "";
      if (next === "" || next < " ") this.#fail("in string literal");
      this.#at++;
      if (next === '"') return;
      if (next === "\\") this.#escape();
    }
  }

  #escape(): void {
    const next = this.#text[this.#at] ?? "";
    if (!/["\\/bfnrtu]/.test(next)) this.#fail("in string escape code");
    this.#at++;
    for (let digit = 0; next === "u" && digit < 4; digit++, this.#at++) {
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? "")) this.#fail("in \\u hexadecimal character escape");
    }
  }

  #number(): void {
    const number = /-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y;
    number.lastIndex = this.#at;
    const length = number.exec(this.#text)?.[0].length ?? 0;
    this.#at += length === 0 ? 1 : length;
    if (length === 0) this.#fail("in numeric literal");
  }

  #literal(first: string): void {
    const literal = ["true", "false", "null"].find((each) => each.startsWith(first) && first !== "");
    if (literal === undefined) this.#fail("looking for beginning of value");
    for (const character of literal) {
      this.#take(character, `in literal ${literal} (expecting '${character}')`);
    }
  }
}

/** `invalid character 'x' looking for beginning of value`; undefined when the text is good JSON. */
export function jsonSyntaxError(text: string): string | undefined {
  try {
    new Scanner(text).document();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** JSON.parse with the API server's words in the error. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(jsonSyntaxError(text) ?? String(error), { cause: error });
  }
}
