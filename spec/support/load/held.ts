import { once } from "node:events";
import { connect, type Socket } from "node:net";

const ASK_EVERY_MS = 200;
/** A question without an answer for so long: the connection is dead, whatever the sockets say. */
const ANSWER_TIMEOUT_MS = 5_000;

/** A connection that is kept and used all the time: who answers on the other end, and whether it was ever cut. */
export class Held {
  readonly #ask: () => void;
  readonly #close: () => void;
  readonly #timer: NodeJS.Timeout;
  #answers = 0;
  #askedMs: number | undefined;
  #cut: string | undefined;
  /** Names of the replicas that answered. */
  readonly #names = new Set<string>();

  private constructor(ask: () => void, close: () => void) {
    this.#ask = ask;
    this.#close = close;
    this.#timer = setInterval(() => this.#turn(), ASK_EVERY_MS);
  }

  static async tcp(address: string, port: number): Promise<Held> {
    const socket: Socket = connect(port, address).setEncoding("utf8").setNoDelay(true);
    await once(socket, "connect");
    const held = new Held(
      () => socket.write("?"),
      () => socket.destroy(),
    );
    socket.on("data", (text: string) => held.#answered(text));
    socket.on("close", () => held.#lost("closed"));
    socket.on("error", (error) => held.#lost(error.message));
    return held;
  }

  static async webSocket(url: string): Promise<Held> {
    const socket = new WebSocket(url);
    await once(socket, "open");
    const held = new Held(
      () => socket.send("?"),
      () => socket.close(),
    );
    socket.addEventListener("message", ({ data }) => held.#answered(String(data)));
    socket.addEventListener("close", ({ code }) => held.#lost(`closed with ${code}`));
    socket.addEventListener("error", () => held.#lost("error"));
    return held;
  }

  get answers(): number {
    return this.#answers;
  }

  /** `alive`, by one replica all the time; else what happened. */
  get state(): string {
    if (this.#cut !== undefined) return `${this.#cut} after ${this.#answers} answers`;
    return this.#names.size > 1 ? `answered by ${[...this.#names].join(" and ")}` : "alive";
  }

  close(): void {
    clearInterval(this.#timer);
    this.#cut ??= "ended by the test";
    this.#close();
  }

  #turn(): void {
    if (this.#cut !== undefined) return;
    if (this.#askedMs !== undefined) {
      if (performance.now() - this.#askedMs > ANSWER_TIMEOUT_MS) this.#lost("no answer");
      return;
    }
    this.#askedMs = performance.now();
    this.#ask();
  }

  #answered(text: string): void {
    this.#askedMs = undefined;
    this.#answers += 1;
    this.#names.add(text.split(" ")[0] ?? "");
  }

  #lost(why: string): void {
    this.#cut ??= why;
  }
}
