import { once } from "node:events";
import type { GuestProcess, TestbedNode } from "../../../ops/testbed/node.ts";

/** Asks again and again until it is told to end, then says how often there was no answer. */
const PROGRAM = `
const [url] = process.argv.slice(1);
let answered = 0, failed = 0, isOver = false;
process.on("SIGTERM", () => { isOver = true; });
console.log("polling");
while (!isOver) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await response.text();
    if (response.ok) answered += 1; else failed += 1;
  } catch { failed += 1; }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
console.log(JSON.stringify({ answered, failed }));
process.exit(0);
`;

export interface Polls {
  readonly answered: number;
  readonly failed: number;
}

/** A client on a replica's own node that asks the replica throughout. */
export class Poller {
  readonly #process: GuestProcess;
  #output = "";

  private constructor(process: GuestProcess) {
    this.#process = process;
    process.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
  }

  static async start(node: TestbedNode, containerId: string): Promise<Poller> {
    const address = (await node.docker(["inspect", "--format", "{{.NetworkSettings.IPAddress}}", containerId])).trim();
    const url = `http://${address}:8080/`;
    const poller = new Poller(node.spawn([process.execPath, "--input-type=module", "-e", PROGRAM, url]));
    const { child } = poller.#process;
    if (child.stdout !== null) await once(child.stdout, "data");
    return poller;
  }

  async stop(): Promise<Polls> {
    const { child } = this.#process;
    const closed = once(child, "close");
    this.#process.kill("SIGTERM");
    await closed;
    return JSON.parse(this.#output.trim().split("\n").at(-1) ?? "") as Polls;
  }
}
