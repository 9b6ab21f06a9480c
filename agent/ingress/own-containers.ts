import { z } from "zod";
import type { DockerConnection } from "../engine/docker-connection.ts";
import { statusOf } from "../engine/docker-errors.ts";
import { ListedContainer } from "../engine/docker-observed.ts";
import { OWN_LABEL } from "../labels.ts";

const CALL_DEADLINE_MS = 30_000;
const STOP_MARGIN_MS = 20_000;
const NOT_FOUND = 404;

export interface OwnContainer {
  readonly containerId: string;
  readonly state: z.infer<typeof ListedContainer>["State"];
  readonly labels: Readonly<Record<string, string>>;
}

/** What an agent runs for itself, beside the containers of its placements: only those with its own label. Every call rejects with `EngineFailure` alone. */
export class OwnContainers {
  readonly #connection: DockerConnection;
  readonly #owner: string;

  constructor(connection: DockerConnection, owner: { readonly tenant: string; readonly node: string }) {
    this.#connection = connection;
    this.#owner = `${owner.tenant}/${owner.node}`;
  }

  async list(role: "proxy" | "command"): Promise<readonly OwnContainer[]> {
    const filters = JSON.stringify({ label: [`${OWN_LABEL.node}=${this.#owner}`, `${OWN_LABEL.role}=${role}`] });
    const call = {
      method: "GET",
      path: "/containers/json",
      query: { all: true, filters },
      doing: `listing each ${role}`,
      deadlineMs: CALL_DEADLINE_MS,
    } as const;
    const listed = await this.#connection.ask(call, z.array(ListedContainer));
    return listed.map(({ Id, State, Labels }) => ({ containerId: Id, state: State, labels: Labels }));
  }

  async create(name: string, role: "proxy" | "command", labels: Readonly<Record<string, string>>, body: object): Promise<string> {
    const Labels = { ...labels, [OWN_LABEL.node]: this.#owner, [OWN_LABEL.role]: role };
    const call = {
      method: "POST",
      path: "/containers/create",
      query: { name },
      body: { ...body, Labels },
      doing: `creating ${name}`,
      deadlineMs: CALL_DEADLINE_MS,
    } as const;
    return (await this.#connection.ask(call, z.object({ Id: z.string() }))).Id;
  }

  start(containerId: string): Promise<void> {
    return this.#connection.command({
      method: "POST",
      path: `/containers/${containerId}/start`,
      doing: "starting",
      deadlineMs: CALL_DEADLINE_MS,
    });
  }

  /** With the chance to end by itself. A container that is gone counts as removed. */
  async remove(containerId: string, graceMs: number): Promise<void> {
    const query = { t: Math.ceil(graceMs / 1_000) };
    if (graceMs > 0)
      await this.#unlessGone({
        method: "POST",
        path: `/containers/${containerId}/stop`,
        query,
        doing: "stopping",
        deadlineMs: graceMs + STOP_MARGIN_MS,
      });
    await this.#unlessGone({
      method: "DELETE",
      path: `/containers/${containerId}`,
      query: { force: true, v: true },
      doing: "removing",
      deadlineMs: CALL_DEADLINE_MS,
    });
  }

  /** Its exit code, once it has ended. */
  async ended(containerId: string, deadlineMs: number): Promise<number> {
    const call = { method: "POST", path: `/containers/${containerId}/wait`, doing: "waiting for a command", deadlineMs } as const;
    return (await this.#connection.ask(call, z.object({ StatusCode: z.int() }))).StatusCode;
  }

  /** The last thing it said, in one line. */
  async lastWords(containerId: string): Promise<string> {
    const query = { stdout: true, stderr: true, tail: "1" };
    const stream = await this.#connection.stream({
      method: "GET",
      path: `/containers/${containerId}/logs`,
      query,
      doing: "reading what a command said",
      deadlineMs: CALL_DEADLINE_MS,
    });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    // A frame's header is 8 bytes; one line is one frame.
    return Buffer.concat(chunks).subarray(8).toString().trim().split("\n").at(-1) ?? "";
  }

  async #unlessGone(call: Parameters<DockerConnection["command"]>[0]): Promise<void> {
    try {
      await this.#connection.command(call);
    } catch (error) {
      if (statusOf(error) !== NOT_FOUND) throw error;
    }
  }
}
