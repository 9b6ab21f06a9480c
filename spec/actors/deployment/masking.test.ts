import { describe, expect, it } from "vitest";
import { diff } from "../../../actors/deployment/change.ts";
import { maskedData } from "../../../actors/deployment/masking.ts";
import { eventView } from "../../../actors/event/event-view.ts";
import { addressOf } from "../../../runtime/address.ts";
import { Stage, templateOf } from "./stage.ts";

const HUSH = "hush-hush-4711";
const SECRETS = {
  DB_PASSWORD: HUSH,
  MYSQL_PASSWD: HUSH,
  API_KEY: HUSH,
  apikey: HUSH,
  GITHUB_TOKEN: HUSH,
  CLIENT_SECRET: HUSH,
  DATABASE_URL: `postgres://app:${HUSH}@db:5432/app`,
  REDIS_URL: `redis://:${HUSH}@cache`,
};
const HARMLESS = { LOG_LEVEL: "debug", MONKEY: "banana", SITE_URL: "https://example.org/a:b", API_KEY_FILE: "" };

describe("a deployment with secrets in its environment", () => {
  it("shows that they changed, and not what they are", () => {
    const changes = diff({ environment: { API_KEY: "old", LOG_LEVEL: "info" } }, { environment: { API_KEY: HUSH, LOG_LEVEL: "debug" } });
    expect(changes).toEqual([
      { path: "environment.API_KEY", before: "(masked)", after: "(masked)" },
      { path: "environment.LOG_LEVEL", before: "info", after: "debug" },
    ]);
  });

  it("tells a new secret from a changed one", () => {
    expect(diff({}, { environment: { API_KEY: HUSH } })).toEqual([{ path: "environment.API_KEY", before: undefined, after: "(masked)" }]);
  });

  it("leaves them out of the audit and the answers, and of the events as people see them", () => {
    const stage = new Stage();
    const template = templateOf("1", { environment: { ...SECRETS, ...HARMLESS } });
    const reply = stage.accepted({ kind: "create", template, platforms: [], replicas: 1 });
    stage.obey();
    expect(JSON.stringify(reply)).not.toContain(HUSH);
    expect(JSON.stringify(stage.state.rollout)).not.toContain(HUSH);
    const meta = { commandId: "c", principal: { kind: "user", id: "ada", role: "admin" }, via: "cli", correlationId: "x" } as const;
    const stored = { offset: 1, stream: addressOf("acme", "node", "n1"), version: 1, schema: 1, type: "placements.added", atMs: 1, meta };
    const [assign] = stage.messages().nodes;
    expect(JSON.stringify(assign)).toContain(HUSH);
    const seen = JSON.stringify(eventView({ ...stored, data: assign }));
    expect(seen).not.toContain(HUSH);
    expect(seen).toContain("banana");
  });

  it("masks nothing else", () => {
    expect(maskedData({ environment: HARMLESS, token: "not a variable", list: [{ environment: SECRETS }] })).toEqual({
      environment: HARMLESS,
      token: "not a variable",
      list: [{ environment: Object.fromEntries(Object.keys(SECRETS).map((name) => [name, "(masked)"])) }],
    });
  });
});
