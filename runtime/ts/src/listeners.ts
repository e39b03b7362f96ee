import { $report } from "./globals.ts";

/** A list of callbacks. What one of them throws is reported and keeps none of the others from being called. */
export class $Listeners<A extends unknown[]> {
  #callbacks = new Set<{ call: (...args: A) => unknown }>();

  /** Adds callback, as often as it is given, and returns what removes this one again. */
  add(callback: (...args: A) => unknown): () => void {
    const entry = { call: callback };
    this.#callbacks.add(entry);
    return () => void this.#callbacks.delete(entry);
  }

  emit(...args: A): void {
    for (const entry of [...this.#callbacks]) {
      // An earlier callback may have removed this one.
      if (this.#callbacks.has(entry)) $guard(() => entry.call(...args));
    }
  }
}

/** Calls callback and reports what it throws. */
export function $guard(callback: () => unknown): void {
  try {
    callback();
  } catch (error) {
    $report(error);
  }
}
