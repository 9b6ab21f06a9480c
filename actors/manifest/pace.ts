/** In Compose's and Docker's words: new replicas before old ones, or the other way round. */
export type ReplacementOrder = "start-first" | "stop-first";

/** How many replicas are replaced at once (0: all), and what comes first, as how many may be too many, or too few. */
export function paceOf(
  parallelism: number,
  order: ReplacementOrder,
): { readonly maxSurge: number | string; readonly maxUnavailable: number | string } {
  const share = parallelism === 0 ? "100%" : parallelism;
  return order === "stop-first" ? { maxSurge: 0, maxUnavailable: share } : { maxSurge: share, maxUnavailable: 0 };
}
