import { $global } from "./globals.ts";

/**
 * Returns what calls each callback in a turn of its own, in order, so that what waits on a promise comes before the next
 * one: after a reply whoever has awaited it goes first, then come the events behind it. Browsers do so with the messages
 * of a WebSocket; other platforms, and an answer to a poll, hand over several at once.
 */
export function $turns(): (callback: () => unknown) => void {
  const waiting: (() => unknown)[] = [];
  let busy = false;
  const others = async (): Promise<void> => {
    // What has come in the same turn waits by now; what comes alone, as it mostly does, costs no more than this.
    await undefined;
    for (;;) {
      if (!waiting.length) return void (busy = false);
      await $turn();
      waiting.shift()!();
    }
  };
  return (callback) => {
    if (busy) return void waiting.push(callback);
    busy = true;
    void others();
    callback();
  };
}

/** A timer would do so too, but hidden pages get one a second. */
function $turn(): Promise<void> {
  return new Promise((resolve) => {
    if (!$global.MessageChannel) return void $global.setTimeout(resolve, 0);
    const { port1, port2 } = new $global.MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}
