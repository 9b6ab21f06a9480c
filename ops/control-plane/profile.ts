import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const Profile = z.object({ token: z.string() });
/** Any bit of these means that somebody else may have read the token. */
const OTHERS_BITS = 0o077;

/** The token an earlier start left for this user; undefined when there is none, or it is not this user's secret any more. */
export function tokenOfProfile(home: string): string | undefined {
  const path = join(home, "profile.json");
  try {
    if ((statSync(path).mode & OTHERS_BITS) !== 0) return undefined;
    return Profile.parse(JSON.parse(readFileSync(path, "utf8"))).token;
  } catch {
    // Missing or damaged: either way a new one is written.
    return undefined;
  }
}
