import type { $Channel } from "./channel.ts";
import { ChannelError, $watch } from "./errors.ts";
import type { $Clock } from "./globals.ts";
import type { EventsOptions, OnceOptions } from "./types.ts";

/**
 * The events of one name, from now on, one for each `next`. They wait in a buffer, which is bounded: the iteration fails
 * with `too_slow` rather than skip one. It ends when the channel is left, and fails with what closes the channel.
 */
export function $events(
  channel: $Channel,
  clock: $Clock,
  event: string,
  { buffer = 1_000, timeout, signal }: EventsOptions & OnceOptions,
): AsyncIterableIterator<unknown, undefined> {
  type $Result = IteratorResult<unknown, undefined>;
  const what = `${event} on ${channel.topic}`;
  const events: unknown[] = [];
  const asked: ((result: $Result | Promise<$Result>) => void)[] = [];
  let over = false;
  let failure: ChannelError | undefined;

  const next = async (): Promise<$Result> => {
    if (events.length) return { done: false, value: events.shift() };
    if (!over) return new Promise((resolve) => asked.push(resolve));
    const error = failure;
    failure = undefined;
    if (error) throw error;
    return { done: true, value: undefined };
  };
  const end = (error?: ChannelError): void => {
    if (over) return;
    over = true;
    failure = error;
    events.length = 0;
    stops.forEach((stop) => stop());
    for (const resolve of asked.splice(0)) resolve(next());
  };
  const take = (value: unknown): void => {
    const resolve = asked.shift();
    if (resolve) resolve({ done: false, value });
    else if (events.push(value) > buffer) end(new ChannelError("too_slow", `${what}: more than ${buffer} wait to be taken`));
  };
  const stops = [
    channel.on(event, take),
    channel.onState((state, error) => (state === "leaving" || state === "closed") && end(error)),
    $watch(clock, what, timeout, signal, end),
  ];
  if (signal?.aborted) end(new ChannelError("aborted", `${what} was aborted`));
  return {
    next,
    async return() {
      end();
      return next();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The next event of that name. */
export async function $once(channel: $Channel, clock: $Clock, event: string, options: OnceOptions): Promise<unknown> {
  const events = $events(channel, clock, event, options);
  const { done, value } = await events.next();
  void events.return?.();
  if (done) throw new ChannelError("left", `${channel.topic}: left before ${event} came`);
  return value;
}
