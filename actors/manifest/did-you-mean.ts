import { nearestName } from "../../runtime/nearest-name.ts";

/** What to write instead of a name that nobody knows, where one that is known is near. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const meant = nearestName(name, [...known]);
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}
