import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findAccess, profilePath } from "../../../ops/cli/profile.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "odysseus-profile-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const write = (value: unknown, mode = 0o600): void => {
  writeFileSync(join(home, "profile.json"), typeof value === "string" ? value : JSON.stringify(value));
  chmodSync(join(home, "profile.json"), mode);
};
const profile = { url: "http://127.0.0.1:7070", token: "secret" };

describe("the profile", () => {
  test("of the state directory signs in", () => {
    write({ ...profile, ca: "PEM" });
    const access = findAccess({ env: { ODYSSEUS_HOME: home } });
    expect({ ...access, url: access.url.origin }).toEqual({ url: "http://127.0.0.1:7070", token: "secret", ca: "PEM" });
  });

  test("is looked for under the XDG data home otherwise", () => {
    expect(profilePath({ XDG_DATA_HOME: "/data" })).toBe("/data/odysseus/profile.json");
    expect(profilePath({ HOME: "/home/ann" })).toBe("/home/ann/.local/share/odysseus/profile.json");
  });

  test("is refused when others can read it, with what to do", () => {
    write(profile, 0o644);
    expect(() => findAccess({ env: { ODYSSEUS_HOME: home } })).toThrow(/others can read it \(mode 0644\)/);
  });

  test("that is not there, not JSON or not a profile is said in one sentence", () => {
    expect(() => findAccess({ env: { ODYSSEUS_HOME: home } })).toThrow(/You are not signed in: there is no/);
    write("{");
    expect(() => findAccess({ env: { ODYSSEUS_HOME: home } })).toThrow(/cannot be read/);
    write({ url: 3 });
    expect(() => findAccess({ env: { ODYSSEUS_HOME: home } })).toThrow(/has no url and token/);
    rmSync(join(home, "profile.json"));
    mkdirSync(join(home, "profile.json"), { mode: 0o700 });
    expect(() => findAccess({ env: { ODYSSEUS_HOME: home } })).toThrow(/cannot be read/);
  });

  test("keeps its token from every other address", () => {
    write(profile);
    expect(() => findAccess({ url: "https://elsewhere.example", env: { ODYSSEUS_HOME: home } })).toThrow(
      /holds a token for http:\/\/127.0.0.1:7070/,
    );
    expect(findAccess({ url: "https://elsewhere.example", env: { ODYSSEUS_HOME: home, ODYSSEUS_TOKEN: "other" } }).token).toBe("other");
    expect(findAccess({ url: "http://127.0.0.1:7070/", env: { ODYSSEUS_HOME: home } }).token).toBe("secret");
  });
});
