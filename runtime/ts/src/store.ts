/**
 * A value that changes, as libraries for user interfaces take it: Svelte as it is (`$store`), React by
 * `useSyncExternalStore(store.subscribe, store.get)`, Vue by a `shallowRef` that `subscribe` sets. Neither function
 * needs its `this`.
 */
export interface ValueStore<T> {
  /** The value now; the same object until the next change. */
  readonly get: () => T;
  /** Calls callback with the value at once and after every change, and returns what ends that. */
  readonly subscribe: (callback: (value: T) => unknown) => () => void;
}

/** A socket or a channel, as far as its state goes. */
interface $Stateful<T> {
  readonly state: T;
  onState(callback: () => unknown): () => void;
}

/** A channel's presence, as far as its list goes. */
interface $Listed<T> {
  list(): T;
  onChange(callback: () => unknown): () => void;
}

/** A store of the state of a socket or of a channel, or of who is present on a channel (`storeOf(lobby.presence)`). */
export function storeOf<T>(source: $Stateful<T> | $Listed<T>): ValueStore<T> {
  const get = (): T => ("state" in source ? source.state : source.list());
  return {
    get,
    subscribe(callback) {
      const changed = (): unknown => callback(get());
      const stop = "state" in source ? source.onState(changed) : source.onChange(changed);
      changed();
      return stop;
    },
  };
}
