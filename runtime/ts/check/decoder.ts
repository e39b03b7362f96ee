import {
  $deeper,
  $member,
  $once,
  $Refusal,
  $skipLiteral,
  $skipNumber,
  $skipSpace,
  $skipString,
  $skipValue,
  $token,
  $unexpected,
  $unquote,
  type $Bytes,
} from "./scan.ts";

/** Reads one JSON value from front to back, as the server does: in one pass, with the first problem as the verdict. */
export class $Decoder {
  readonly data: $Bytes;
  readonly strict: boolean;
  pos = 0;
  /** Of the value that was read last: what `ask` complains about. */
  start = 0;
  #depth = 0;

  constructor(data: $Bytes, strict: boolean) {
    this.data = data;
    this.strict = strict;
  }

  /** The first character of the next value; undefined at the end. */
  peek(): string | undefined {
    this.pos = this.start = $skipSpace(this.data, this.pos);
    return this.data[this.pos];
  }

  /** Refuses the value that was read last unless it is good. */
  ask(good: boolean, message: string): void {
    if (!good) throw new $Refusal(this.start, message);
  }

  /** Refuses what follows the value. */
  end(): void {
    if (this.peek() !== undefined) throw new $Refusal(0, "is not valid JSON: something follows the value");
  }

  /** Reads a null if one is next: an optional member that is absent. */
  null(): boolean {
    if (this.peek() !== "n") return false;
    this.literal("null");
    return true;
  }

  literal(text: string): void {
    this.pos = $skipLiteral(this.data, this.pos, text);
  }

  skip(): void {
    this.peek();
    this.pos = $skipValue(this.data, this.pos, this.#depth);
  }

  text(message = "must be a string"): string {
    if (this.peek() !== '"') throw this.mismatch(message);
    this.pos = $skipString(this.data, this.pos);
    return $unquote(this.data.slice(this.start, this.pos));
  }

  number(message: string): number {
    if (!/[-\d]/.test(this.peek() ?? "")) throw this.mismatch(message);
    this.pos = $skipNumber(this.data, this.pos);
    return Number(this.data.slice(this.start, this.pos));
  }

  /** Reads the elements of an array, each with element. Returns how many there are. */
  array(element: () => void): number {
    return this.#elements("[", "]", "must be an array", element);
  }

  /** Reads the members of an object, each value with value, and refuses a name that is there twice. */
  object(value: (name: string) => void): number {
    const names = new Set<string>();
    return this.#elements("{", "}", "must be an object", () => {
      this.peek();
      const [name, at] = $member(this.data, this.pos);
      this.pos = at;
      $once(names, name, at);
      value(name);
    });
  }

  #elements(open: string, close: string, message: string, element: () => void): number {
    if (this.peek() !== open) throw this.mismatch(message);
    const start = this.pos++;
    const depth = this.#depth;
    this.#depth = $deeper(depth, start);
    let count = 0;
    for (let c = this.peek(); c !== close; c = this.peek()) {
      if (count > 0) {
        if (c !== ",") throw $unexpected(this.data, this.pos);
        this.pos++;
      }
      element();
      count++;
    }
    this.pos++;
    this.#depth = depth;
    this.start = start;
    return count;
  }

  /** Reads nothing, and returns the text of the member "type" of the object that is next, the last value read now. */
  variant(): string {
    if (this.peek() !== "{") throw this.mismatch("must be an object");
    const start = this.pos;
    const at = this.#type(start);
    if (at === undefined) throw new $Refusal(start, "is required", $token("type"));
    this.pos = at;
    const type = this.text();
    this.pos = start;
    return type;
  }

  /** Where the value of the member "type" of the object at start is. All of the object is searched where it is not first. */
  #type(start: number): number | undefined {
    const first = $skipSpace(this.data, start + 1);
    if (this.data.startsWith('"type"', first)) return $member(this.data, first)[1];
    const types = new Map<number, number>();
    $skipValue(this.data, start, this.#depth, types);
    return types.get(start);
  }

  /** What is wrong with a value that is not of the type that is asked for, or no value at all. */
  mismatch(message: string): $Refusal {
    const c = this.peek();
    return c !== undefined && /["{[\-\dtfn]/.test(c) ? new $Refusal(this.pos, message) : $unexpected(this.data, this.pos);
  }
}
