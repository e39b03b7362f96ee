/** UTF-8, each byte as one character: text that can be searched, and yet is just what stands on the wire. */
export type $Bytes = string;

/** What is wrong, and the place of the value that it is wrong with; member is the pointer from there on. Thrown. */
export class $Refusal {
  readonly at: number;
  readonly message: string;
  readonly member: string;

  constructor(at: number, message: string, member = "") {
    this.at = at;
    this.message = message;
    this.member = member;
  }
}

const $syntax = "is not valid JSON";
const $truncated = "is not valid JSON: it ends too early";
const $control = "is not valid JSON: a control character or a wrong escape in a string";
const $duplicate = "must not be there twice";

/** Arrays and objects may be nested this deep. */
const $maxDepth = 1_000;

export function $bytesOf(json: string | Uint8Array): $Bytes {
  if (typeof json === "string") return $utf8(json);
  let bytes = "";
  for (const byte of json) bytes += String.fromCharCode(byte);
  return bytes;
}

/** UTF-8 of text; a lone surrogate becomes three bytes, which are refused as any other that are no UTF-8. */
function $utf8(text: string): $Bytes {
  return text.replace(/[^\0-\x7f]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    const tail = (shift: number): number => 0x80 | ((point >> shift) & 0x3f);
    if (point < 0x800) return String.fromCharCode(0xc0 | (point >> 6), tail(0));
    if (point < 0x10000) return String.fromCharCode(0xe0 | (point >> 12), tail(6), tail(0));
    return String.fromCharCode(0xf0 | (point >> 18), tail(12), tail(6), tail(0));
  });
}

/** A character of more than one byte, at lastIndex. */
const $longCharacter =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/y;
const $longCharacters = new RegExp($longCharacter, "g");
const $plain = /[ !#-[\]-\x7f]*/y;
const $space = /[ \t\r\n]*/y;
const $escape = /\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[\da-fA-F]{4}|u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})/y;
const $surrogate = /\\u[dD][89a-fA-F][\da-fA-F]{2}/y;
// What follows a number's part must not look like more of it.
const $number = /-?(?:0|[1-9]\d*)(?!\d)(?:\.\d+(?!\d)|(?!\.))(?:[eE][+-]?\d+|(?![eE]))/y;

/** The end of what pattern, which is sticky, matches at i; -1 where it does not. */
function $after(pattern: RegExp, data: $Bytes, i: number): number {
  pattern.lastIndex = i;
  return pattern.test(data) ? pattern.lastIndex : -1;
}

export function $skipSpace(data: $Bytes, i: number): number {
  return $after($space, data, i);
}

/** The end of the string at i. */
export function $skipString(data: $Bytes, i: number): number {
  for (i++; ; ) {
    i = $after($plain, data, i);
    if (i >= data.length) throw new $Refusal(data.length, $truncated);
    if (data[i] === '"') return i + 1;
    if (data[i] === "\\") {
      const end = $after($escape, data, i);
      if (end < 0) throw new $Refusal(i, $escapeProblem(data, i));
      i = end;
    } else {
      const end = $after($longCharacter, data, i);
      if (end < 0) throw new $Refusal(i, (data[i] ?? "") < " " ? $control : "is not valid UTF-8");
      i = end;
    }
  }
}

function $escapeProblem(data: $Bytes, i: number): string {
  if (i + 1 >= data.length) return $truncated;
  return $after($surrogate, data, i) < 0 ? $control : "is not valid Unicode: a lone surrogate";
}

/** The text of a string that is sound, quotes included. */
export function $unquote(quoted: $Bytes): string {
  const text = quoted.replace($longCharacters, (bytes) => {
    const [first = 0, ...tail] = [...bytes].map((byte) => byte.charCodeAt(0));
    const head = first & (0x7f >> bytes.length);
    return String.fromCodePoint(tail.reduce((point, byte) => (point << 6) | (byte & 0x3f), head));
  });
  return text.includes("\\") ? (JSON.parse(text) as string) : text.slice(1, -1);
}

export function $skipNumber(data: $Bytes, i: number): number {
  const end = $after($number, data, i);
  if (end < 0) throw new $Refusal(i, "is not valid JSON: a malformed number");
  return end;
}

export function $skipLiteral(data: $Bytes, i: number, want: string): number {
  if (!data.startsWith(want, i)) throw new $Refusal(i, $syntax);
  return i + want.length;
}

/** The start of the value after the name that ends at i. */
export function $skipColon(data: $Bytes, i: number): number {
  i = $skipSpace(data, i);
  if (data[i] !== ":") throw $unexpected(data, i);
  return $skipSpace(data, i + 1);
}

/** What is wrong where neither what is wanted nor a value of another type stands. */
export function $unexpected(data: $Bytes, i: number): $Refusal {
  return new $Refusal(i, i < data.length ? $syntax : $truncated);
}

export function $deeper(depth: number, i: number): number {
  if (depth >= $maxDepth) throw new $Refusal(i, "is nested too deeply");
  return depth + 1;
}

/**
 * The end of the value at i, which is not at white space. Where types is given, it gets the place of each member
 * "type", by the place of its object.
 */
export function $skipValue(data: $Bytes, i: number, depth: number, types?: Map<number, number>): number {
  const c = data[i];
  if (c === '"') return $skipString(data, i);
  if (c === "t") return $skipLiteral(data, i, "true");
  if (c === "f") return $skipLiteral(data, i, "false");
  if (c === "n") return $skipLiteral(data, i, "null");
  if (c === "[") {
    const inner = $deeper(depth, i);
    return $skipElements(data, i, "]", (at) => $skipValue(data, at, inner, types));
  }
  if (c === "{") {
    const inner = $deeper(depth, i);
    const names = new Set<string>();
    return $skipElements(data, i, "}", (at) => {
      const [name, value] = $member(data, at);
      $once(names, name, value);
      if (name === "type") types?.set(i, value);
      return $skipValue(data, value, inner, types);
    });
  }
  if (c !== undefined && /[-\d]/.test(c)) return $skipNumber(data, i);
  throw $unexpected(data, i);
}

function $skipElements(data: $Bytes, i: number, bracket: string, element: (i: number) => number): number {
  i = $skipSpace(data, i + 1);
  if (data[i] === bracket) return i + 1;
  for (;;) {
    i = $skipSpace(data, element(i));
    if (data[i] === bracket) return i + 1;
    if (data[i] !== ",") throw $unexpected(data, i);
    i = $skipSpace(data, i + 1);
  }
}

/** The member at i: its name, and where its value is. */
export function $member(data: $Bytes, i: number): [name: string, value: number] {
  if (data[i] !== '"') throw $unexpected(data, i);
  const end = $skipString(data, i);
  return [$unquote(data.slice(i, end)), $skipColon(data, end)];
}

/** Refuses, at its value, a name that is there already. */
export function $once(names: Set<string>, name: string, value: number): void {
  if (names.has(name)) throw new $Refusal(value, $duplicate);
  names.add(name);
}

/** The JSON pointer of the value at off; what stands before it must be sound. */
export function $pointer(data: $Bytes, off: number): string {
  const levels: { index: number; name?: string }[] = [];
  let last = "";
  for (let i = 0; i < off; i++) {
    const level = levels.at(-1);
    const c = data[i];
    if (c === "{") levels.push({ index: -1 });
    else if (c === "[") levels.push({ index: 0 });
    else if (c === "]" || c === "}") levels.pop();
    else if (c === "," && level) {
      if (level.index < 0) delete level.name;
      else level.index++;
    } else if (c === ":" && level) level.name = $unquote(last);
    else if (c === '"') {
      const start = i++;
      while (i < off && data[i] !== '"') i += data[i] === "\\" ? 2 : 1;
      last = data.slice(start, i + 1);
    }
  }
  return levels.map(({ index, name }) => (index < 0 ? (name === undefined ? "" : $token(name)) : `/${index}`)).join("");
}

export function $token(name: string): string {
  return `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
