import type { Value } from "./value.ts";

/** How people write amounts, in manifests and on the command line. Undefined: not an amount. */

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 0.001 };
/** Compose: powers of 1024, however the unit is spelled. */
const unitBytes: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `1m30s`, `500ms`, `1.5h`, rounded to the millisecond. A bare number has no unit and is refused, except 0. */
export function durationMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "0") return 0;
  if (!/^(\d+(\.\d+)?(d|h|ms|us|m|s))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount = "", unit = ""] of trimmed.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|us|m|s)/g)) {
    total += Number(amount) * (unitMs[unit] ?? Number.NaN);
  }
  return Math.round(total);
}

/** `512M`, `1.5g`, `300kb`, `1024` (bytes). */
export function sizeBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim());
  const unit = unitBytes[match?.[2]?.toLowerCase() ?? ""];
  return match === null || unit === undefined ? undefined : Math.floor(Number(match[1]) * unit);
}

/** `10m` is ten million, as the engine counts the files of a container's output. */
export function decimalBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text.trim());
  const power = ["", "k", "m", "g", "t"].indexOf(match?.[2]?.toLowerCase() ?? "");
  return match === null ? undefined : Math.floor(Number(match[1]) * 1_000 ** power);
}

/** `0440`, `0o440` or `"440"`, in octal; without a zero before it, a bare number is a decimal one, as YAML has it. */
export function fileMode(value: Value): number | undefined {
  if (value.kind !== "scalar") return undefined;
  const octal = /^(?:0o?)?([0-7]{1,4})$/.exec(value.text)?.[1];
  const isDecimal = value.type === "number" && /^[1-9]/.test(value.text);
  const mode = isDecimal ? Number(value.text) : octal === undefined ? undefined : Number.parseInt(octal, 8);
  return mode === undefined || mode > 0o7777 ? undefined : mode;
}

/** `0.5` processors are 500. */
export function cpuMillis(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text.trim()) ? Math.round(Number(text.trim()) * 1_000) : undefined;
}

/** `0.1` of a whole. */
export function shareOfOne(text: string): number | undefined {
  const share = /^(\d+(\.\d*)?|\.\d+)$/.test(text.trim()) ? Number(text) : Number.NaN;
  return share <= 1 ? share : undefined;
}
