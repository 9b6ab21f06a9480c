import { parseArgs } from "node:util";
import { runSeed, SimFailure } from "./run-seed.ts";

const USAGE = "npm run sim -- [--seed S] [--seeds N] [--trace]";
const EXIT_VIOLATION = 1;
const EXIT_USAGE = 2;

async function main(): Promise<void> {
  const options = read();
  const startedMs = performance.now();
  let failures = 0;
  for (let seed = options.seed; seed < options.seed + options.seeds; seed += 1) {
    const beganMs = performance.now();
    try {
      const { digest, virtualMs, steps } = await runSeed({
        seed,
        ...(options.trace ? { onLine: (line: string) => console.log(line) } : {}),
      });
      console.log(
        `seed ${seed}: ${Math.round(virtualMs / 1_000)} s of virtual time in ${Math.round(performance.now() - beganMs)} ms, ${steps} steps, ${digest.slice(0, 16)}`,
      );
    } catch (failure) {
      failures += 1;
      console.error(failure instanceof SimFailure ? failure.message : failure);
    }
  }
  console.log(`${options.seeds} seeds, ${failures} failed, ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  if (failures > 0) process.exitCode = EXIT_VIOLATION;
}

function read(): { readonly seed: number; readonly seeds: number; readonly trace: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: "string", default: "1" },
        seeds: { type: "string", default: "1" },
        trace: { type: "boolean", default: false },
      },
    });
    const [seed, seeds] = [Number(values.seed), Number(values.seeds)];
    if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(seeds) || seeds < 1) throw new Error("seeds are whole numbers");
    return { seed, seeds, trace: values.trace };
  } catch (cause) {
    console.error(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`);
    return process.exit(EXIT_USAGE);
  }
}

await main();
