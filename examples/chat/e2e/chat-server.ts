// Starts and stops the chat's own program, as a person would.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
let binary: string | undefined;

function build(): string {
  if (binary === undefined) {
    binary = join(mkdtempSync(join(tmpdir(), "chat-")), "chat");
    execFileSync("go", ["build", "-o", binary, "./examples/chat"], { cwd: root, stdio: "inherit" });
  }
  return binary;
}

/** A running chat. */
export class ChatServer {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #exit: Promise<number | null>;

  private constructor(url: string, process: ChildProcess, exit: Promise<number | null>) {
    this.url = url;
    this.#process = process;
    this.#exit = exit;
  }

  /** Starts the chat on a free port, or on that of an earlier one that has stopped, with more flags if any. */
  static async start(earlier?: ChatServer, flags: string[] = []): Promise<ChatServer> {
    const addr = earlier === undefined ? "127.0.0.1:0" : new URL(earlier.url).host;
    const process = spawn(build(), ["-addr", addr, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
    const exit = new Promise<number | null>((resolve) => process.once("exit", resolve));
    const url = new Promise<string>((resolve, reject) => {
      let output = "";
      process.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        const found = /http:\/\/\S+/.exec(output);
        if (found !== null) resolve(found[0]);
      });
      void exit.then((code) => reject(new Error(`the chat exited with ${code} before it served: ${output}`)));
    });
    return new ChatServer(await url, process, exit);
  }

  get socketURL(): string {
    return this.url.replace("http", "ws") + "/socket";
  }

  /** Interrupts the chat and returns its exit code. */
  async stop(): Promise<number | null> {
    this.#process.kill("SIGINT");
    return await this.#exit;
  }

  /** Ends the chat at once. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exit;
  }
}
