import type { ProbeAnswer, ProbeTransport } from "../probe-transport.ts";
import type { SimulatedEngine } from "./simulated-engine.ts";

/** Probes of containers in a simulated engine, found by their address. */
export class SimulatedProbeTransport implements ProbeTransport {
  readonly #engine: SimulatedEngine;

  constructor(engine: SimulatedEngine) {
    this.#engine = engine;
  }

  http(address: string, port: number, path: string, timeoutMs: number): Promise<ProbeAnswer> {
    return this.#engine.probeAddress(address, `GET http://${address}:${port}${path}`, timeoutMs);
  }

  tcp(address: string, port: number, timeoutMs: number): Promise<ProbeAnswer> {
    return this.#engine.probeAddress(address, `TCP ${address}:${port}`, timeoutMs);
  }
}
