import { $global } from "./globals.ts";
import { $guard } from "./listeners.ts";

/**
 * Returns what calls each callback in a turn of its own, in order, so that what waits on a promise comes before the next
 * one: after a reply whoever has awaited it goes first, then come the events behind it. Browsers do so with the messages
 * of a WebSocket; other platforms, and an answer to a poll, hand over several at once.
 */
export function $turns(): (callback: () => unknown) => void {
  const waiting: (() => unknown)[] = [];
  let busy = false;
  const others = (): void => {
    // Making a channel costs more than a turn does, and hidden pages get one timer a second.
    const channel = waiting.length && $global.MessageChannel ? new $global.MessageChannel() : undefined;
    const next = (): void => {
      if (!waiting.length) {
        busy = false;
        channel?.port1.close();
      } else if (channel) channel.port2.postMessage(0);
      else $global.setTimeout(step, 0);
    };
    const step = (): void => {
      $guard(waiting.shift()!);
      next();
    };
    if (channel) channel.port1.onmessage = step;
    next();
  };
  return (callback) => {
    if (busy) return void waiting.push(callback);
    busy = true;
    // What comes in the same turn waits by then; what comes alone, as it mostly does, costs no more than this.
    void Promise.resolve().then(others);
    callback();
  };
}
