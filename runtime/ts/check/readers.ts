import { $Decoder } from "./decoder.ts";
import { $Refusal, $token } from "./scan.ts";

/** Reads a value of one type of the schema. */
export type $Reader = (d: $Decoder) => void;

export function $bool(): $Reader {
  return (d) => {
    const c = d.peek();
    if (c !== "t" && c !== "f") throw d.mismatch("must be true or false");
    d.literal(c === "t" ? "true" : "false");
  };
}

/** A string of min to max code points; source is the pattern as the schema has it. */
export function $string(min = 0, max: number = Infinity, pattern?: RegExp, source = ""): $Reader {
  return (d) => {
    const text = d.text();
    $askCount(d, [...text].length, min, max, "character");
    if (pattern) d.ask(pattern.test(text), `must match ${source}`);
  };
}

export function $int(min?: number, max?: number): $Reader {
  return $whole("must be an integer", Number.MAX_SAFE_INTEGER, min, max);
}

/** Whole milliseconds, as many as 64 bits hold in nanoseconds. */
export function $duration(min?: number, max?: number): $Reader {
  return $whole("must be whole milliseconds", 9_223_372_036_854, min, max);
}

function $whole(message: string, limit: number, min?: number, max?: number): $Reader {
  return (d) => {
    const value = d.number(message);
    d.ask(Math.trunc(value) === value, message);
    $askRange(d, value, -limit, limit);
    $askRange(d, value, min, max);
  };
}

export function $float(min?: number, max?: number): $Reader {
  return (d) => {
    const value = d.number("must be a number");
    d.ask(Number.isFinite(value), "must be a finite number");
    $askRange(d, value, min, max);
  };
}

export function $int64(min?: bigint, max?: bigint): $Reader {
  const message = "must be a string of digits that fits 64 bits";
  return (d) => {
    const text = d.text(message);
    d.ask(/^(?:0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text), message);
    $askRange(d, BigInt(text), min, max);
  };
}

export function $timestamp(): $Reader {
  const message = "must be a timestamp as in RFC 3339";
  return (d) => d.ask($isTimestamp(d.text(message)), message);
}

const $rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|[+-](\d\d):(\d\d))$/;

function $isTimestamp(text: string): boolean {
  const [year, month, day, hour, minute, second, zoneHour, zoneMinute] = ($rfc3339.exec(text) ?? []).slice(1).map((s) => Number(s ?? 0));
  if (year === undefined || !month || !day) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  const below = (n: number | undefined, limit: number): boolean => n !== undefined && n < limit;
  return day <= days && below(hour, 24) && below(minute, 60) && below(second, 60) && below(zoneHour, 24) && below(zoneMinute, 60);
}

export function $uuid(): $Reader {
  return (d) => {
    const text = d.text("must be a UUID");
    d.ask(/^[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}$/.test(text), "must be a UUID");
  };
}

/** Base64 of min to max bytes. */
export function $bytes(min = 0, max: number = Infinity): $Reader {
  const message = "must be base64 with padding";
  return (d) => {
    const text = d.text(message);
    d.ask(text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text), message);
    $askCount(d, (text.length / 4) * 3 - (text.length - text.replace(/=+$/, "").length), min, max, "byte");
  };
}

export function $json(): $Reader {
  return (d) => d.skip();
}

export function $list(element: $Reader, min = 0, max: number = Infinity): $Reader {
  return (d) => $askCount(d, d.array(() => element(d)), min, max, "item");
}

export function $map(element: $Reader, min = 0, max: number = Infinity): $Reader {
  return (d) => $askCount(d, d.object(() => element(d)), min, max, "item");
}

export function $oneOf(...values: string[]): $Reader {
  return (d) => $askOneOf(d, d.text(), values);
}

function $askOneOf(d: $Decoder, text: string, values: string[]): void {
  d.ask(values.includes(text), values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(", ")}`);
}

/** An object with the fields; a ? at the end of a name says that it may be absent, or null. */
export function $object(fields: Readonly<Record<string, $Reader>>): $Reader {
  const readers = new Map<string, $Reader>();
  const required: string[] = [];
  for (const [key, read] of Object.entries(fields)) {
    const name = key.replace("?", "");
    readers.set(name, name === key ? read : (d) => d.null() || read(d));
    if (name === key) required.push(name);
  }
  return (d) => {
    const names = new Set<string>();
    d.object((name) => {
      const read = readers.get(name);
      if (!read && d.strict) throw new $Refusal(d.pos, "is not a member of this object");
      names.add(name);
      (read ?? $json())(d);
    });
    const missing = required.find((name) => !names.has(name));
    if (missing !== undefined) throw new $Refusal(d.start, "is required", $token(missing));
  };
}

/** An object whose member "type" names one of the variants, whose fields it has. */
export function $union(variants: Readonly<Record<string, Readonly<Record<string, $Reader>>>>): $Reader {
  const readers = new Map(Object.entries(variants).map(([name, fields]) => [name, $object({ type: $oneOf(name), ...fields })]));
  return (d) => {
    const type = d.variant();
    $askOneOf(d, type, [...readers.keys()]);
    readers.get(type)?.(d);
  };
}

/** The payload of an event that carries none: any object, or null. */
export function $empty(): $Reader {
  return (d) => {
    const c = d.peek();
    d.skip();
    d.end();
    if (c !== "{" && c !== "n") throw new $Refusal(0, "must be an object");
  };
}

/** The params of a join: null is {}. */
export function $params(read: $Reader): $Reader {
  return (d) => {
    const absent = d.peek() !== undefined && d.data.startsWith("null", d.pos);
    if (absent) d.skip();
    read(absent ? new $Decoder("{}", d.strict) : d);
  };
}

function $askRange<T extends number | bigint>(d: $Decoder, value: T, min: T | undefined, max: T | undefined): void {
  if (min !== undefined) d.ask(value >= min, `must be at least ${min}`);
  if (max !== undefined) d.ask(value <= max, `must be at most ${max}`);
}

function $askCount(d: $Decoder, n: number, min: number, max: number, unit: string): void {
  const quantity = (count: number): string => `${count} ${unit}${count === 1 ? "" : "s"}`;
  let message = `must have ${min} to ${quantity(max)}`;
  if (max === Infinity) message = `must have at least ${quantity(min)}`;
  else if (min === max) message = `must have ${quantity(max)}`;
  else if (min === 0) message = `must have at most ${quantity(max)}`;
  d.ask(n >= min && n <= max, message);
}
