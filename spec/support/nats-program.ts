import { toolProgram } from "./tool-program.ts";

/** A real nats-server for tests. Throws with the reason where there is none. */
export function natsProgram(): Promise<string> {
  return toolProgram("nats-server");
}
