/** A value, or what makes it, at once or later; called again before every use. */
export type $Source<T> = T | (() => T | Promise<T>);

export async function $read<T>(source: $Source<T>): Promise<T> {
  return typeof source === "function" ? (source as () => T | Promise<T>)() : source;
}
