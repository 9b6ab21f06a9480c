import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type Configuration, RoutesPublisher } from "../../../agent/ingress/routes-publisher.ts";
import { ROUTES_FILE } from "../../../agent/ingress/static-configuration.ts";
import { silentLog } from "../../../runtime/log.ts";
import { systemClock } from "../../../runtime/system-clock.ts";

let home: string;
/** Whether a proxy runs; it serves whatever its file says. */
let isUp: boolean;
/** What the proxy shows when it is looked at. */
let look: () => string;
let told: string[];
let publisher: RoutesPublisher;
const directory = (): string => join(home, "a");
const inFile = (): string => readFileSync(join(directory(), ROUTES_FILE), "utf8");

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "routes-publisher-"));
  isUp = true;
  look = inFile;
  told = [];
  publisher = new RoutesPublisher({
    directory: directory(),
    proof: {
      ask: async (known) => {
        if (!isUp) return { kind: "refused" };
        const marker = look();
        return marker === known ? { kind: "not-yet" } : { kind: "proven", marker };
      },
    },
    clock: systemClock,
    log: silentLog,
    inForce: (marker) => told.push(marker),
  });
  onTestFinished(() => {
    publisher.stop();
    rmSync(home, { recursive: true });
  });
});

/** A configuration that is nothing but its marker. */
function configuration(marker: string, udp = ""): Configuration {
  return { marker, udp, text: (name) => name };
}

async function published(marker: string, udp = ""): Promise<void> {
  publisher.publish(configuration(marker, udp));
  await expect.poll(() => told.at(-1)).toBe(marker);
}

test("a configuration is told when it was met; what it leads over UDP when it was met again under another name", async () => {
  await published("one");
  expect(inFile()).toBe("one-again");
  await published("two");
  expect(inFile()).toBe("two");
  await published("three", "53");
  expect(inFile()).toBe("three-again");
  expect(await publisher.serves()).toBe(true);
});

test("one that could not be written again is written as soon as it can be", async () => {
  await published("one");
  const aside = join(home, "aside");
  let looks = 0;
  look = () => {
    looks += 1;
    if (looks === 1) {
      // Nothing can be written into a directory that is none.
      renameSync(directory(), aside);
      writeFileSync(directory(), "");
    }
    if (looks === 3) {
      rmSync(directory());
      renameSync(aside, directory());
    }
    return looks < 3 ? "two" : inFile();
  };
  publisher.publish(configuration("two", "53"));
  await expect.poll(() => told.at(-1)).toBe("two");
  expect(inFile()).toBe("two-again");
});

test("while no proxy runs the newest is told at once, and nothing older after it", async () => {
  await published("one");
  isUp = false;
  await published("two");
  isUp = true;
  await published("three");
  expect(told).toEqual(["one", "two", "three"]);
});
