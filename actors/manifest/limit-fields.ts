import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, readFields, refused, type Rule } from "./fields.ts";
import { sizeBytes } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";
import { cpuLimitRule, memoryLimitRule, memoryReservationRule } from "./resource-rules.ts";

/** The engine's period when none is written, in microseconds. */
const CPU_PERIOD_US = 100_000;
const MILLIS_PER_CPU = 1_000;

type Counted = "cpuShares" | "pidsLimit" | "memorySwappiness" | "oomScoreAdjust";

/** `none` is Compose's way to write that there is no limit. */
const counted = (field: Counted, none: readonly number[]): Rule<Draft> =>
  honoured((reading, at, draft) => {
    const value = reading.integer(at);
    draft.setResource(reading, field, value === undefined || none.includes(value) ? undefined : value, at);
  });

const onlyOfOldKernels = "Where control groups are of version 2, kernels know no such thing, and the engine leaves it out.";
const ofOneDisk = (): Rule<unknown> => refused("Nodes differ in their disks: no limit on one of them can be given.", "leave it out.");

/** `pids_limit`, and `deploy.resources.limits.pids`. */
export const pidsLimitRule = counted("pidsLimit", [0, -1]);

const blockFields: FieldTable<Draft> = {
  weight: honoured((reading, at, draft) => draft.setResource(reading, "blockWeight", reading.wholeNumber(at) || undefined, at)),
  weight_device: ofOneDisk(),
  device_read_bps: ofOneDisk(),
  device_read_iops: ofOneDisk(),
  device_write_bps: ofOneDisk(),
  device_write_iops: ofOneDisk(),
};

/** Limits of a service beside `deploy.resources`, most of them older than it. */
export const limitFields: FieldTable<Draft> = {
  cpus: cpuLimitRule,
  mem_limit: memoryLimitRule,
  mem_reservation: memoryReservationRule,
  memswap_limit: different(
    "Without it, a container whose memory is limited gets no swap; Compose would give as much again.",
    readSwapLimit,
  ),
  mem_swappiness: { ...counted("memorySwappiness", []), support: "different", note: onlyOfOldKernels },
  oom_kill_disable: different(onlyOfOldKernels, (reading, at, draft) =>
    draft.setResource(reading, "oomKillDisabled", reading.flag(at) === true ? true : undefined, at),
  ),
  oom_score_adj: counted("oomScoreAdjust", [0]),
  cpu_shares: counted("cpuShares", [0]),
  cpu_quota: honoured((_reading, at, draft) => {
    draft.cpu.quota = at;
  }),
  cpu_period: honoured((_reading, at, draft) => {
    draft.cpu.period = at;
  }),
  cpu_rt_period: refused("Kernels of today's distributions have no real-time budget for containers.", "leave it out.", ["0"]),
  cpu_rt_runtime: refused("Kernels of today's distributions have no real-time budget for containers.", "leave it out.", ["0"]),
  cpuset: honoured((reading, at, draft) => draft.setResource(reading, "cpuset", reading.text(at) || undefined, at)),
  pids_limit: pidsLimitRule,
  shm_size: honoured((reading, at, draft) =>
    draft.setResource(reading, "shmSizeBytes", reading.amount(at, sizeBytes, "128m") || undefined, at),
  ),
  blkio_config: honoured((reading, at, draft) => readFields(reading, at, blockFields, draft), blockFields),
};

/** Zero is as if it was not there; minus one is as much as there is. */
function readSwapLimit(reading: Reading, at: Place, draft: Draft): void {
  const written = reading.text(at);
  const bytes = written === "-1" ? -1 : reading.amount(at, sizeBytes, "512M");
  draft.setResource(reading, "memorySwapLimitBytes", bytes === 0 ? undefined : bytes, at);
}

/** What two fields say together. Call once all were read. */
export function finishLimits(reading: Reading, draft: Draft): void {
  const { quota, period } = draft.cpu;
  const quotaUs = quota === undefined ? undefined : reading.integer(quota);
  const periodUs = period === undefined ? undefined : reading.integer(period);
  if (quota !== undefined && quotaUs !== undefined && quotaUs > 0) {
    const millis = Math.round((quotaUs * MILLIS_PER_CPU) / (periodUs || CPU_PERIOD_US));
    draft.setResource(reading, "cpuLimitMillis", Math.max(1, millis), quota);
  } else if (period !== undefined && periodUs !== undefined && periodUs !== 0)
    reading.differs(period, "A period without a quota limits nothing.", "leave it out, or write cpus.");
  const { memorySwapLimitBytes: both, memoryLimitBytes: memory } = draft.spec.resources ?? {};
  const at = draft.origins.get("resources");
  if (both === undefined || both === -1 || at === undefined) return;
  if (memory === undefined) reading.invalid(at, "A limit on swap needs one on memory beside it.", "write mem_limit too.");
  else if (both < memory) reading.invalid(at, "memswap_limit is of memory and swap together, so it cannot be less than mem_limit.");
}
