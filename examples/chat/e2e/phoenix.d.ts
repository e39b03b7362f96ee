// The part of the official phoenix client that the tests use; the package ships no types.
declare module "phoenix" {
  export class Push {
    receive(status: string, callback: (response: any) => void): this;
  }
  export class Channel {
    constructor(topic: string, params: object, socket: Socket);
    join(timeout?: number): Push;
    leave(timeout?: number): Push;
    push(event: string, payload: object, timeout?: number): Push;
    on(event: string, callback: (payload: any, ref: string | null, joinRef: string | null) => void): number;
    onError(callback: (reason: any) => void): void;
    onClose(callback: () => void): void;
    readonly state: string;
  }
  export class Socket {
    constructor(url: string, options: object);
    connect(): void;
    disconnect(callback?: () => void, code?: number, reason?: string): void;
    channel(topic: string, params?: object): Channel;
    onOpen(callback: () => void): void;
    onClose(callback: (event: any) => void): void;
    onError(callback: (error: any) => void): void;
    onMessage(callback: (message: any) => void): void;
    isConnected(): boolean;
  }
  export class LongPoll {
    constructor(endPoint: string, protocols?: string[]);
  }
  export class Presence {
    constructor(channel: Channel);
    onSync(callback: () => void): void;
    onJoin(callback: (key: string, current: any, joined: any) => void): void;
    onLeave(callback: (key: string, current: any, left: any) => void): void;
    list<T>(by: (key: string, entry: any) => T): T[];
  }
}
