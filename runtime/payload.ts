import { BusFailure } from "./bus.ts";

/** A little below the 1 MiB a broker takes by default, headers included. A larger payload is not sent: `too-large`. */
export const PAYLOAD_LIMIT_BYTES = 1_000_000;

/** JSON as it travels. */
export function encodePayload(subject: string, payload: unknown): string {
  const text = JSON.stringify(payload) ?? "null";
  // A character is one to three bytes: only texts in between have to be counted.
  if (text.length * 3 > PAYLOAD_LIMIT_BYTES && Buffer.byteLength(text) > PAYLOAD_LIMIT_BYTES) throw new BusFailure("too-large", subject);
  return text;
}

export function decodePayload(text: string): unknown {
  return text === "" ? null : (JSON.parse(text) as unknown);
}
