/** The first `1.2.3` (or `1.2`) in a text, as numbers; undefined when there is none. */
function parseVersion(text: string): readonly number[] | undefined {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found === null ? undefined : found.slice(1).map((part) => Number(part ?? 0));
}

/** Whether `version` is `minimum` or newer. A text without a version is not. */
export function isAtLeast(version: string, minimum: string): boolean {
  const own = parseVersion(version);
  const least = parseVersion(minimum);
  if (own === undefined || least === undefined) return false;
  for (const [index, part] of least.entries()) {
    const difference = (own[index] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
