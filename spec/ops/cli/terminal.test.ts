import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cut, table } from "../../../ops/cli/table.ts";
import { harmless, openOutput, type Output, plain } from "../../../ops/cli/output.ts";
import { StandInControlPlane } from "../../support/stand-in-control-plane.ts";

const main = fileURLToPath(new URL("../../../ops/cli/main.ts", import.meta.url));
/** Gives a command a terminal; part of every Debian and Ubuntu. */
const TERMINAL = "script";
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
/* oxlint-disable no-control-regex -- escape sequences are what these look for */
const CURSOR_UP = /\u001b\[\d+A/;
const COLOUR = /\u001b\[\d*m/;
/* oxlint-enable no-control-regex */

let plane: StandInControlPlane;
beforeEach(async () => {
  plane = new StandInControlPlane();
  await plane.listen();
});
afterEach(() => plane.close());

/** Runs the command on a terminal of its own (util-linux' `script`) and answers what a person would have been shown. */
function onTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  interruptAt?: string,
): Promise<{ readonly code: number | null; readonly shown: string }> {
  const command = `stty cols 70 rows 20; exec ${process.execPath} ${main} ${args.join(" ")}`;
  const child = spawn(TERMINAL, ["-qec", command, "/dev/null"], {
    env: { PATH: process.env.PATH ?? "", TERM: "xterm", HOME: "/nonexistent", ...env },
  });
  return new Promise((resolve, reject) => {
    let shown = "";
    let isInterrupted = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
      if (interruptAt === undefined || isInterrupted || !shown.includes(interruptAt)) return;
      isInterrupted = true;
      // Ctrl-C as a terminal sends it.
      child.stdin.write("\u0003");
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, shown }));
  });
}

describe("on a terminal", () => {
  test("a wait is redrawn in place, in colour, and the cursor comes back", async () => {
    const { code, shown } = await onTerminal(["deploy", "web", "--image", "nginx:1", "--replicas", "2", "--wait"], plane.env);
    expect(code).toBe(0);
    expect(shown).toMatch(CURSOR_UP);
    expect(shown).toContain("\u001b[32mrunning");
    expect(shown).toContain("web: revision 1 is running, 2 of 2 replicas healthy");
    expect(shown.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(shown.lastIndexOf(HIDE_CURSOR));
  });

  test("NO_COLOR takes the colours away, not the drawing", async () => {
    const { shown } = await onTerminal(["deploy", "web", "--image", "nginx:1", "--wait"], { ...plane.env, NO_COLOR: "1" });
    expect(shown).toMatch(CURSOR_UP);
    expect(shown).not.toMatch(COLOUR);
  });

  test("Ctrl-C in the middle ends with 130 and leaves a clean terminal", async () => {
    const { code, shown } = await onTerminal(["deploy", "web", "--image", "nginx:1", "--replicas", "2", "--wait"], plane.env, "SLOT");
    expect(code).toBe(130);
    expect(shown).toContain("web: no longer waited for; the rollout goes on. See odysseus containers --deployment web.");
    expect(shown.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(shown.lastIndexOf(HIDE_CURSOR));
  });
});

describe("a table", () => {
  const narrow: Output = { ...openOutput({ json: false, env: {} }), width: () => 30 };
  const columns = [{ title: "NAME" }, { title: "REASON", least: 10 }] as const;

  test("cuts what may be cut to the terminal's width, and nothing in a pipe", () => {
    const rows = [["web", "a long story about why this is so"]];
    expect(table(narrow, columns, rows)[1]).toBe("web   a long story about why …");
    expect(table({ ...narrow, width: () => Number.POSITIVE_INFINITY }, columns, rows)[1]).toBe("web   a long story about why this is so");
    expect(cut("abc", 3)).toBe("abc");
  });

  test("lets nothing a container wrote move the cursor or rename the window", () => {
    expect(plain("a\u001b[2Jb\u001b]0;title\u0007c\nd\u0008")).toBe("abc d");
    expect(harmless("\u001b[31mred\u001b[0m\u001b[2J\tok\u001b]0;x\u0007")).toBe("\u001b[31mred\u001b[0m\tok");
  });
});
