import { writeSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import { CANNOT_RUN } from "./capability.ts";

/** The last lines of a run: which suites could not run on this machine and why, then one line of counts. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const broken = modules.filter((module) => module.state() === "failed" && module.errors().length > 0);
    const count = (state: string): number => tests.filter((item) => item.result().state === state).length;
    const failed = count("failed") + broken.length + unhandledErrors.length;
    const lines = [...couldNotRun(tests), `${count("passed")} passed, ${failed} failed, ${count("skipped")} skipped`];
    // At the very end, after the other reporters have shown every failure in full.
    process.once("exit", () => writeSync(process.stdout.fd, `${lines.join("\n")}\n`));
  }
}

function couldNotRun(tests: readonly TestCase[]): readonly string[] {
  const lines = tests.flatMap((item) => {
    const result = item.result();
    const note = result.state === "skipped" ? result.note : undefined;
    return note?.startsWith(CANNOT_RUN) === true
      ? [`  ${item.module.relativeModuleId} > ${item.fullName}: ${note.slice(CANNOT_RUN.length)}`]
      : [];
  });
  return lines.length === 0 ? [] : ["Could not run here:", ...lines];
}
