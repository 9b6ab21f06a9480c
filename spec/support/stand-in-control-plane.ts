import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DeploymentSpec } from "../../actors/deployment/contract.ts";
import type { ChangeView, ContainerView, DeploymentView } from "../../actors/views.ts";
import { advanced, patched, replica } from "./stand-in-replica.ts";

/** A request as it came in. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

type Answer = { readonly status: number; readonly body: unknown } | { readonly stream: (response: ServerResponse) => void };

export const TOKEN = "stand-in-token";
/**
 * A control plane small enough to be seen through: its rollouts advance by one phase each time somebody looks at the replicas, so that a
 * test needs no clock. What it cannot do it answers with a problem, as the real one would.
 */
export class StandInControlPlane {
  readonly received: Received[] = [];
  /** Answers the next request instead, once. */
  readonly instead: ((request: Received, response: ServerResponse) => void)[] = [];
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));
  readonly #deployments = new Map<string, DeploymentView>();
  readonly #containers = new Map<string, ContainerView[]>();
  readonly #changes = new Map<string, ChangeView[]>();
  readonly #listeners = new Set<ServerResponse>();
  #offset = 0;
  logLines: readonly unknown[] = [];

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get env(): Readonly<Record<string, string>> {
    return { ODYSSEUS_URL: this.url, ODYSSEUS_TOKEN: TOKEN };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Cuts the connections of all who listen to events or logs; they may come again. */
  cutStreams(): void {
    for (const listener of this.#listeners) listener.destroy();
    this.#listeners.clear();
  }

  emit(type: string, data: unknown = {}): void {
    this.#offset += 1;
    const event = {
      offset: this.#offset,
      type,
      stream: "default/deployment/web",
      kind: "deployment",
      name: "web",
      atMs: Date.now(),
      by: "admin",
      via: "cli",
      data,
    };
    for (const listener of this.#listeners)
      listener.write(`id: ${this.#offset}\nevent: event\ndata: ${JSON.stringify({ kind: "event", event })}\n\n`);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://stand-in");
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
    const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    const received = {
      method: request.method ?? "",
      path: url.pathname.replace("/api/v1", ""),
      query: url.searchParams,
      headers: request.headers,
      body,
    };
    this.received.push(received);
    const instead = this.instead.shift();
    if (instead !== undefined) {
      instead(received, response);
      return;
    }
    const isAllowed = request.headers.authorization === `Bearer ${TOKEN}`;
    const answer = isAllowed ? this.#answer(received) : problem(401, "auth.invalid", "The token is not known.");
    if ("stream" in answer) answer.stream(response);
    else
      response
        .writeHead(answer.status, { "content-type": "application/json", "x-correlation-id": "corr-1" })
        .end(JSON.stringify(answer.body));
  }

  #answer(request: Received): Answer {
    const [, noun = "", name = "", verb = ""] = request.path.split("/");
    const route = `${request.method} ${noun}`;
    if (route === "GET events" && name === "stream") return { stream: (response) => this.#listen(request, response) };
    if (route === "GET logs") return { stream: (response) => this.#logs(request, response) };
    if (route === "GET containers") return page(this.#look(request.query.get("deployment")));
    if (route === "GET nodes") return page([]);
    if (noun !== "deployments") return problem(404, "route.not-found", `There is no ${request.path}.`);
    if (name === "") return request.method === "POST" ? this.#create(request.body) : page([...this.#deployments.values()]);
    if (request.method === "PUT") return this.#apply(name, request.body);
    if (verb === "plan") return this.#plan(name, request.body);
    const deployment = this.#deployments.get(name);
    if (deployment === undefined) return problem(404, "deployment.not-found", `There is no deployment "${name}".`);
    return this.#answerAbout(deployment, verb, request);
  }

  #answerAbout(deployment: DeploymentView, verb: string, { method, headers, body }: Received): Answer {
    const match = /^"(\d+)"$/.exec(headers["if-match"] ?? "")?.[1];
    if (match !== undefined && Number(match) !== deployment.generation) {
      return problem(412, "generation.mismatch", `"${deployment.name}" is at generation ${deployment.generation}, not ${match}.`);
    }
    switch (`${method} ${verb}`) {
      case "GET ":
        return { status: 200, body: deployment };
      case "GET history":
        return page((this.#changes.get(deployment.name) ?? []).toReversed());
      case "PATCH ":
        return this.#change(deployment.name, "update", patched(deployment.spec, body));
      case "POST scale":
        return this.#change(deployment.name, "scale", { ...deployment.spec, replicas: Number(body["replicas"]) });
      case "POST rollback":
        return deployment.revision === 1
          ? problem(409, "revision.none-earlier", `"${deployment.name}" has no revision before 1.`)
          : this.#change(deployment.name, "rollback", deployment.spec);
      case "DELETE ":
        this.#deployments.delete(deployment.name);
        return {
          status: 200,
          body: {
            name: deployment.name,
            generation: deployment.generation + 1,
            revision: deployment.revision,
            rollout: deployment.rollout.id + 1,
            change: "deleting",
            diff: [],
          },
        };
      default:
        return this.#change(deployment.name, verb, deployment.spec);
    }
  }

  #create(body: Record<string, unknown>): Answer {
    const { name, ...spec } = body;
    if (this.#deployments.has(String(name))) return problem(409, "deployment.exists", `A deployment "${String(name)}" exists already.`);
    return this.#change(String(name), "create", spec);
  }

  #apply(name: string, body: Record<string, unknown>): Answer {
    const before = this.#deployments.get(name);
    const spec = DeploymentSpec.parse(body);
    if (before !== undefined && JSON.stringify(before.spec) === JSON.stringify(spec)) {
      return { status: 200, body: { name, generation: before.generation, revision: before.revision, change: "unchanged", diff: [] } };
    }
    const answer = this.#change(name, before === undefined ? "create" : "update", body);
    return "body" in answer
      ? { status: 200, body: { ...(answer.body as object), change: before === undefined ? "created" : "changed" } }
      : answer;
  }

  #plan(name: string, body: Record<string, unknown>): Answer {
    const before = this.#deployments.get(name);
    if (before === undefined)
      return {
        status: 200,
        body: { name, change: "create", findings: [], diff: [{ path: "image", after: body["image"] }] },
      };
    const { image } = DeploymentSpec.parse(body);
    const diff = image === before.spec.image ? [] : [{ path: "image", before: before.spec.image, after: image }];
    const replaces = { replicas: before.spec.replicas, because: "image changed" };
    return {
      status: 200,
      body: diff.length === 0 ? { name, change: "none", findings: [], diff } : { name, change: "change", diff, replaces, findings: [] },
    };
  }

  #change(name: string, change: string, body: unknown): Answer {
    const parsed = DeploymentSpec.safeParse(body);
    if (!parsed.success) {
      const errors = parsed.error.issues.map((issue) => ({ in: "body", pointer: `/${issue.path.join("/")}`, message: issue.message }));
      return { status: 422, body: { ...problemBody(422, "request.invalid", "Some fields are not valid."), errors } };
    }
    const spec = parsed.data;
    const before = this.#deployments.get(name);
    const revision = (before?.revision ?? 0) + (change === "scale" ? 0 : 1);
    const nowMs = Date.now();
    const rollout = { id: (before?.rollout.id ?? 0) + 1, change, revision, outcome: "in-progress" as const, startedAtMs: nowMs };
    const image = { reference: spec.image, digest: `sha256:${"0".repeat(64)}`, source: "registry" as const };
    const counts = { replicas: spec.replicas, healthyReplicas: 0, updatedReplicas: 0, pendingReplicas: 0, restarts: 0 };
    const times = { createdAtMs: nowMs, changedAtMs: nowMs };
    this.#deployments.set(name, {
      name,
      generation: (before?.generation ?? 0) + 1,
      status: "starting",
      reason: "",
      revision,
      image,
      spec,
      rollout,
      ...counts,
      ...times,
    });
    this.#containers.set(
      name,
      Array.from({ length: spec.replicas }, (_, index) => replica(name, index + 1, revision, spec.image)),
    );
    const entry = {
      deployment: name,
      change,
      generation: (before?.generation ?? 0) + 1,
      revision,
      contentOf: revision,
      by: "admin",
      via: "cli",
      atMs: nowMs,
      diff: [],
      rollout,
    };
    this.#changes.set(name, [...(this.#changes.get(name) ?? []), entry]);
    this.emit("rollout.started", { name });
    return {
      status: 201,
      body: {
        name,
        generation: (before?.generation ?? 0) + 1,
        revision,
        rollout: rollout.id,
        change: change === "create" ? "created" : "changed",
        diff: [],
      },
    };
  }

  /** Looking moves every rollout one phase on. */
  #look(only: string | null): readonly ContainerView[] {
    for (const [name, deployment] of this.#deployments) {
      if (deployment.rollout.outcome !== "in-progress" || (only !== null && only !== name)) continue;
      const containers = (this.#containers.get(name) ?? []).map(advanced);
      this.#containers.set(name, containers);
      if (containers.every((item) => item.phase === "running")) this.#end(deployment, "succeeded", "running");
      else if (containers.some((item) => item.phase === "backing-off"))
        this.#end(deployment, deployment.revision === 1 ? "failed" : "rolled-back", "failed");
    }
    return only === null ? [...this.#containers.values()].flat() : (this.#containers.get(only) ?? []);
  }

  #end(deployment: DeploymentView, outcome: "succeeded" | "failed" | "rolled-back", status: "running" | "failed"): void {
    const reason = outcome === "succeeded" ? "" : "replica 1 exited with code 3 before it was healthy";
    const rollout = { ...deployment.rollout, outcome, reason, endedAtMs: Date.now() };
    this.#deployments.set(deployment.name, {
      ...deployment,
      status,
      reason,
      rollout,
      healthyReplicas: outcome === "succeeded" ? deployment.replicas : 0,
    });
    const changes = this.#changes.get(deployment.name) ?? [];
    this.#changes.set(
      deployment.name,
      changes.map((change) => (change.rollout.id === rollout.id ? { ...change, rollout } : change)),
    );
    this.emit("rollout.ended", { outcome });
  }

  #listen(request: Received, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`: welcome ${String(request.headers["last-event-id"])}\n\n`);
    this.#listeners.add(response);
    response.on("close", () => this.#listeners.delete(response));
  }

  #logs(request: Received, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const line of this.logLines) response.write(`event: line\ndata: ${JSON.stringify(line)}\n\n`);
    if (request.query.get("follow") === "true") this.#listeners.add(response);
    else response.end();
  }
}

function page(items: readonly unknown[]): Answer {
  return { status: 200, body: { items, asOfOffset: 0 } };
}

function problemBody(status: number, code: string, detail: string): object {
  return { type: `/docs#problem-${code}`, title: code, status, detail, code, retryable: false, correlationId: "corr-1" };
}

function problem(status: number, code: string, detail: string): Answer {
  return { status, body: problemBody(status, code, detail) };
}
