import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Address, addressOf } from "../../runtime/address.ts";
import type { Commit, Meta } from "../../runtime/journal.ts";

export const TENANT = "acme";
export const EPOCH = 1;

export function deployment(name: string): Address {
  return addressOf(TENANT, "deployment", name);
}

export function metaOf(commandId: string): Meta {
  return { commandId, principal: { kind: "user", id: "ada", role: "admin" }, via: "cli", correlationId: `because-of-${commandId}` };
}

/** A scaling of `web`: an event, an audit entry, a message to the scheduler, a row and a remembered reply. */
export function scaling(commandId: string, expectedVersion: number, change: Partial<Commit> = {}): Commit {
  const stream = change.stream ?? deployment("web");
  return {
    stream,
    expectedVersion,
    epoch: EPOCH,
    atMs: 1_000 + expectedVersion,
    meta: metaOf(commandId),
    events: [{ type: "deployment.scaled", schema: 1, data: { replicas: expectedVersion } }],
    reply: { value: { acceptedAs: commandId } },
    audit: [
      {
        operation: "deployments.scale",
        resource: stream,
        outcome: "accepted",
        before: { replicas: 0 },
        after: { replicas: expectedVersion },
      },
    ],
    outbox: [
      {
        id: `${stream}/${expectedVersion + 1}/0`,
        from: stream,
        to: addressOf(TENANT, "scheduler"),
        message: { kind: "place", count: expectedVersion },
        correlationId: `because-of-${commandId}`,
      },
    ],
    rows: [{ change: "put", kind: "deployment", id: stream, parent: TENANT, body: { name: stream, replicas: expectedVersion } }],
    ...change,
  };
}

/** A refused command: nothing happens, but the audit knows. */
export function refusal(commandId: string, expectedVersion: number): Commit {
  return scaling(commandId, expectedVersion, {
    events: [],
    reply: undefined,
    audit: [{ operation: "deployments.scale", resource: deployment("web"), outcome: "refused", reason: "deployment.stopped" }],
    outbox: [],
    rows: [],
  });
}

/** A directory of its own, gone after the test. */
export function directoryOfTest(): string {
  const directory = mkdtempSync(join(tmpdir(), "odysseus-storage-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
