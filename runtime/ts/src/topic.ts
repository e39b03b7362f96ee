import { $byteLength } from "./globals.ts";

const $uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Fills the parameters of a topic pattern: {name} takes text, {name:int} a whole number, {name:uuid} a UUID in lower
 * case, {name*} any text. Throws a RangeError for a value that no server would match.
 */
export function $topic(pattern: string, params: Readonly<Record<string, unknown>>): string {
  const topic = pattern.replace(/{(\w+)(:int|:uuid|\*)?}/g, (_, name: string, kind?: string) => {
    const value = params[name];
    const text = String(value);
    const fits =
      kind === ":int"
        ? Number.isSafeInteger(value)
        : typeof value === "string" && (kind === "*" || (kind ? $uuid.test(text) : text !== "" && !text.includes(":")));
    if (!fits) throw new RangeError(`topic ${pattern}: ${name} cannot be ${JSON.stringify(value)}`);
    return text;
  });
  if ($byteLength(topic) > 255) throw new RangeError(`topic ${pattern}: over 255 bytes: ${topic}`);
  if (/\p{Cs}/u.test(topic)) throw new RangeError(`topic ${pattern}: half a surrogate pair in ${JSON.stringify(topic)}`);
  return topic;
}
