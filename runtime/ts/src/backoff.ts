import type { $Clock } from "./globals.ts";

/** Success has to last this long, in milliseconds, before the next failure counts as the first again. */
const $proof = 5_000;

/** The delays between attempts: doubling from half a second to ten, each shortened at random by up to a half. */
export class $Backoff {
  readonly #clock: $Clock;
  #tries = 0;
  #since = 0;

  constructor(clock: $Clock) {
    this.#clock = clock;
  }

  /** An attempt has succeeded. */
  succeeded(): void {
    this.#since = this.#clock.now();
  }

  /** The delay in milliseconds before the next attempt. */
  next(): number {
    if (this.#since && this.#clock.now() - this.#since >= $proof) this.#tries = 0;
    this.#since = 0;
    return Math.min(500 * 2 ** this.#tries++, 10_000) * (0.5 + Math.random() / 2);
  }
}
