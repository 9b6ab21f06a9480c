import type { Draft } from "./draft.ts";
import { honoured, type Rule } from "./fields.ts";
import { cpuMillis, sizeBytes } from "./quantities.ts";

const processors = (field: "cpuLimitMillis" | "cpuReservedMillis"): Rule<Draft> =>
  honoured((reading, at, draft) => draft.setResource(reading, field, unlessNone(reading.amount(at, cpuMillis, "0.5")), at));
const memory = (field: "memoryLimitBytes" | "memoryReservedBytes"): Rule<Draft> =>
  honoured((reading, at, draft) => {
    // Minus one is the engine's word for no limit.
    if (at.value.kind !== "scalar" || at.value.text !== "-1")
      draft.setResource(reading, field, unlessNone(reading.amount(at, sizeBytes, "512M")), at);
  });

/** Zero is Compose's word for no limit. */
function unlessNone(amount: number | undefined): number | undefined {
  return amount === 0 ? undefined : amount;
}

/** In `deploy.resources`, and in Compose's older spellings beside `deploy`. */
export const cpuLimitRule = processors("cpuLimitMillis");
export const cpuReservationRule = processors("cpuReservedMillis");
export const memoryLimitRule = memory("memoryLimitBytes");
export const memoryReservationRule = memory("memoryReservedBytes");
