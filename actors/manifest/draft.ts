import type { DeploymentSpecInput } from "../deployment/contract.ts";
import type { GivenFile } from "../deployment/file-contract.ts";
import { writesToVolume } from "../deployment/mount-contract.ts";
import type { ServiceExtension } from "./extension-contract.ts";
import type { Condition } from "../stack/contract.ts";
import type { Place, Reading } from "./reading.ts";

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
export type Spec = Writable<DeploymentSpecInput>;
export type PortInput = NonNullable<DeploymentSpecInput["ports"]>[number];
export type ConstraintInput = NonNullable<DeploymentSpecInput["constraints"]>[number];
type NetworkInput = NonNullable<DeploymentSpecInput["networks"]>[number];
type TmpfsInput = NonNullable<DeploymentSpecInput["tmpfs"]>[number];
type ResourcesInput = Writable<NonNullable<DeploymentSpecInput["resources"]>>;

/** What a service says about another one. */
export interface Dependency {
  readonly name: string;
  /** False: it may be absent. */
  readonly required: boolean;
  readonly restart: boolean;
  readonly condition: Condition;
  readonly at: Place;
}

/** A manifest's own fields while it is read. */
export interface TopLevel {
  onFailure?: "rollback" | "pause" | undefined;
  name?: Place;
  services?: Place;
}

/** A service while it is read. */
export class Draft {
  readonly spec: Partial<Spec> = {};
  /** Where in the project each field of the deployment came from. */
  readonly origins = new Map<string, Place>();
  readonly dependencies: Dependency[] = [];
  /** Other names for services it depends on. */
  readonly links: { readonly name: string; readonly alias: string; readonly at: Place }[] = [];
  build?: Place;
  readonly joined: NetworkInput[] = [];
  networksAt?: Place;
  /** Another name that it is found by. */
  containerName?: string;
  /** An address that one replica alone can have. */
  ownAddressAt?: Place;
  /** It is on no network of the project. */
  hasOwnNetworkMode = false;
  /** Two fields that are one limit. */
  readonly cpu: { quota?: Place; period?: Place } = {};
  readonly #inherited = { environment: new Map<string, string>(), labels: new Map<string, string>() };
  readonly #leftOut = new Set<string>();
  readonly #exposed: PortInput[] = [];

  set<Key extends keyof Spec>(field: Key, value: Spec[Key] | undefined, at: Place): void {
    this.origins.set(field, at);
    if (value !== undefined) this.spec[field] = value;
  }

  /** Older and newer spelling of one thing may not differ. */
  setReplicas(reading: Reading, value: number | undefined, at: Place): void {
    if (value !== undefined && this.spec.replicas !== undefined && this.spec.replicas !== value)
      reading.findings.error("conflict", at, "scale and deploy.replicas differ.", "write deploy.replicas alone.");
    this.set("replicas", value, at);
  }

  setResource<Key extends keyof ResourcesInput>(reading: Reading, field: Key, value: ResourcesInput[Key] | undefined, at: Place): void {
    if (value === undefined) return;
    const before = this.spec.resources?.[field];
    if (before !== undefined && before !== value)
      reading.findings.error("conflict", at, "Two fields about this limit say different things.", "write it once, under deploy.resources.");
    this.set("resources", { ...this.spec.resources, [field]: value }, at);
  }

  setRestart(policy: Partial<NonNullable<Spec["restart"]>>, at: Place): void {
    this.set("restart", { ...this.spec.restart, ...policy }, at);
  }

  /** Its work ends. Where it does not say how often it is tried, `otherwise` holds. */
  becomeJob(reading: Reading, at: Place, otherwise: "none" | "on-failure"): void {
    const { condition } = this.spec.restart ?? {};
    if (condition === "any")
      reading.findings.error(
        "conflict",
        this.origins.get("restart") ?? at,
        "It would run again whenever it ends, and so never be complete, which is waited for.",
        "write restart: no, or on-failure.",
      );
    this.spec.run = "job";
    if (condition === undefined) this.spec.restart = { ...this.spec.restart, condition: otherwise };
  }

  addConstraints(constraints: readonly ConstraintInput[], at: Place): void {
    if (constraints.length > 0) this.set("constraints", [...(this.spec.constraints ?? []), ...constraints], at);
  }

  addFile(reading: Reading, file: GivenFile, at: Place): void {
    const files = this.spec.files ?? [];
    if (files.some(({ target }) => target === file.target))
      reading.invalid(at, `There is a file at ${file.target} already.`, "give one of them another target.");
    else this.set("files", [...files, file], at);
  }

  addTmpfs(tmpfs: TmpfsInput, at: Place): void {
    this.set("tmpfs", [...(this.spec.tmpfs ?? []), tmpfs], at);
  }

  /** No file sets this variable, because the manifest names it without a value. */
  leaveOut(variable: string): void {
    this.#leftOut.add(variable);
  }

  /** From a file the manifest names; what the manifest itself says comes first. */
  inherit(field: "environment" | "labels", values: ReadonlyMap<string, string>, at: Place): void {
    if (!this.origins.has(field)) this.origins.set(field, at);
    for (const [name, value] of values) this.#inherited[field].set(name, value);
  }

  /** In the place of what Compose said; policies and resources field by field. What it is worth is seen when the service is whole. */
  extend(field: keyof ServiceExtension, value: unknown, at: Place): void {
    const before = field === "rollout" || field === "resources" ? this.spec[field] : undefined;
    const isMerged = before !== undefined && typeof value === "object" && value !== null;
    this.set(field, (isMerged ? { ...before, ...value } : value) as never, at);
  }

  expose(port: PortInput): void {
    this.#exposed.push(port);
  }

  /** Call once everything was read. */
  finish(): void {
    for (const name of this.#leftOut) this.#inherited.environment.delete(name);
    for (const field of ["environment", "labels"] as const) {
      const inherited = this.#inherited[field];
      if (inherited.size > 0) this.spec[field] = { ...Object.fromEntries(inherited), ...this.spec[field] };
    }
    const ports = this.spec.ports ?? [];
    const further = this.#exposed.filter(
      ({ containerPort, protocol }) => !ports.some((port) => port.containerPort === containerPort && port.protocol === protocol),
    );
    if (further.length > 0) this.spec.ports = [...ports, ...further];
  }

  get publishesPorts(): boolean {
    return (this.spec.ports ?? []).some((port) => port.publishedPort !== undefined);
  }

  /** What a replica and its successor would be at odds over if both were there at once. Known once ports, volumes and networks were read. */
  get contention(): "place" | "data" | undefined {
    const isBound = (this.spec.ports ?? []).some(({ publishedPort, mode }) => publishedPort !== undefined && mode === "host");
    if (isBound || this.ownAddressAt !== undefined) return "place";
    return writesToVolume(this.spec.mounts) ? "data" : undefined;
  }
}
