import type { Action } from "./session.ts";

/** A command as a person meets it. Its code is loaded when it is run: `--help` and typos are answered before. */
export interface Everyday {
  readonly name: string;
  /** In commander's spelling: `<name>`, `[name]`, `[words...]`. */
  readonly arguments: readonly (readonly [spelling: string, description: string])[];
  readonly summary: string;
  readonly options: readonly Flag[];
  readonly examples: readonly string[];
  readonly load: () => Promise<Action>;
}

export interface Flag {
  readonly flags: string;
  readonly description: string;
  /** May be given several times. */
  readonly repeats?: true;
  readonly choices?: readonly string[];
}

const waiting: readonly Flag[] = [
  { flags: "--wait", description: "show each replica until the rollout has ended; the exit code says how" },
  { flags: "--timeout <duration>", description: "stop waiting after so long, like 5m; the rollout goes on" },
];
const generation: Flag = { flags: "--if-generation <number>", description: "refuse when somebody changed it since this generation" };

const templateFlags: readonly Flag[] = [
  { flags: "--image <reference>", description: "what to run; pinned to its digest when the change is made" },
  { flags: "-p, --publish <port>", description: "PUBLISHED:CONTAINER[/udp], bound on the replica's node", repeats: true },
  { flags: "-e, --env <name=value>", description: "an environment variable", repeats: true },
  { flags: "-l, --label <name=value>", description: "a label on the containers", repeats: true },
  { flags: "--health <check>", description: "http:/path, http:PORT/path, tcp:PORT, command:WORDS" },
  { flags: "--health-interval <duration>", description: "between two probes (10s)" },
  { flags: "--health-timeout <duration>", description: "of one probe (3s)" },
  { flags: "--health-start-period <duration>", description: "failures so soon after the start do not count (0)" },
  { flags: "--health-retries <number>", description: "failures in a row until unhealthy (3)" },
  { flags: "--cpus <number>", description: "limit per replica, like 0.5" },
  { flags: "--memory <size>", description: "limit per replica, like 512M" },
  { flags: "--reserve-cpus <number>", description: "set aside on the node per replica" },
  { flags: "--reserve-memory <size>", description: "set aside on the node per replica" },
  { flags: "--constraint <rule>", description: 'where it may run: zone==eu, "zone in eu,us", ssd', repeats: true },
  { flags: "--entrypoint <word>", description: "replaces the image's; once per word", repeats: true },
  { flags: "--user <name>", description: "user in the container" },
  { flags: "--workdir <path>", description: "working directory in the container" },
  { flags: "--stop-signal <signal>", description: "asks it to end (SIGTERM)" },
  { flags: "--stop-grace <duration>", description: "until it is killed (10s)" },
  { flags: "--max-surge <share>", description: "replicas above the wanted number during a rollout: 1 or 25%" },
  { flags: "--max-unavailable <share>", description: "replicas that may be missing during a rollout: 0 or 25%" },
  { flags: "--min-healthy <duration>", description: "healthy for so long before a replica counts (5s)" },
  { flags: "--deadline <duration>", description: "of the whole rollout (1h)" },
  { flags: "--on-failure <what>", description: "what a failed update does (rollback)", choices: ["rollback", "pause"] },
];

const name = ["<name>", "the deployment"] as const;
const command = ["[command...]", "replaces the image's command; after --"] as const;
const nodeName = ["<node>", "the node"] as const;
const manifests = ["[files...]", "manifests, later ones over earlier ones; - for stdin; none: compose.yaml of this folder"] as const;
const manifestFlags: readonly Flag[] = [
  { flags: "-f, --file <file>", description: "a manifest, as without the flag", repeats: true },
  { flags: "--profile <name>", description: "with the services of this profile; '*' for all", repeats: true },
  { flags: "--env-file <file>", description: "variables, in place of .env in the project's folder", repeats: true },
  { flags: "--project-directory <folder>", description: "what paths in manifests are relative to; absent: the first manifest's folder" },
];

const changes = () => import("./commands/change.ts");
const lists = () => import("./commands/lists.ts");
const streams = () => import("./commands/streams.ts");
const nodes = () => import("./commands/nodes.ts");

export const everyday: readonly Everyday[] = [
  {
    name: "deploy",
    arguments: [name, command],
    summary: "Create a deployment",
    options: [{ flags: "--replicas <number>", description: "how many (1)" }, ...templateFlags, ...waiting],
    examples: [
      "odysseus deploy web --image nginx:1.27 --replicas 3 --publish 8080:80 --env MODE=production --health http:/healthz --wait",
      "odysseus deploy worker --image busybox -- sh -c 'while true; do date; sleep 5; done'",
    ],
    load: async () => (await import("./commands/deploy.ts")).deploy,
  },
  {
    name: "update",
    arguments: [name, command],
    summary: "Change a deployment with a rolling update",
    options: [
      { flags: "--replicas <number>", description: "how many" },
      ...templateFlags,
      { flags: "--unset-env <name>", description: "remove an environment variable", repeats: true },
      ...waiting,
      generation,
    ],
    examples: ["odysseus update web --image nginx:1.28 --wait", "odysseus update web --env MODE=debug --unset-env TRACE --wait"],
    load: async () => (await import("./commands/deploy.ts")).update,
  },
  {
    name: "apply",
    arguments: [manifests],
    summary: "Create or change a deployment per service of a Compose file",
    options: [...manifestFlags, ...waiting],
    examples: [
      "odysseus apply compose.yaml --wait",
      "odysseus apply -f compose.yaml -f production.yaml --env-file production.env",
      "cat compose.yaml | odysseus apply - --json",
    ],
    load: async () => (await import("./commands/manifest.ts")).apply,
  },
  {
    name: "plan",
    arguments: [manifests],
    summary: "Show what apply would change, field by field; nothing is done",
    options: manifestFlags,
    examples: ["odysseus plan compose.yaml", "odysseus plan --profile debug"],
    load: async () => (await import("./commands/manifest.ts")).plan,
  },
  {
    name: "scale",
    arguments: [name, ["<replicas>", "how many"]],
    summary: "Change the number of replicas; makes no revision",
    options: [...waiting, generation],
    examples: ["odysseus scale web 5 --wait"],
    load: async () => (await changes()).scale,
  },
  {
    name: "rollback",
    arguments: [name],
    summary: "Go back to an earlier revision",
    options: [{ flags: "--to <revision>", description: "which one; absent: the last that succeeded before" }, ...waiting, generation],
    examples: ["odysseus rollback web --wait", "odysseus rollback web --to 3"],
    load: async () => (await changes()).rollback,
  },
  {
    name: "restart",
    arguments: [name],
    summary: "Replace every replica, new before old",
    options: [...waiting, generation],
    examples: ["odysseus restart web --wait"],
    load: async () => (await changes()).restart,
  },
  {
    name: "stop",
    arguments: [name],
    summary: "Stop all replicas and keep the deployment",
    options: [...waiting, generation],
    examples: ["odysseus stop web --wait"],
    load: async () => (await changes()).stop,
  },
  {
    name: "start",
    arguments: [name],
    summary: "Start a stopped deployment",
    options: [...waiting, generation],
    examples: ["odysseus start web --wait"],
    load: async () => (await changes()).start,
  },
  {
    name: "delete",
    arguments: [name],
    summary: "Stop all replicas and remove the deployment",
    options: [...waiting, generation],
    examples: ["odysseus delete web --wait"],
    load: async () => (await changes()).remove,
  },
  {
    name: "logs",
    arguments: [name],
    summary: "Show what the replicas of a deployment wrote",
    options: [
      { flags: "-f, --follow", description: "go on with what they write; Ctrl-C ends it" },
      { flags: "--since <when>", description: "5m ago, or a time like 2026-01-31T12:00:00Z" },
      { flags: "--tail <lines>", description: "only the last lines of each container" },
      { flags: "--container <id>", description: "one replica alone, like web.1.1" },
      { flags: "--stdout", description: "only what went to stdout" },
      { flags: "--stderr", description: "only what went to stderr" },
      { flags: "-t, --timestamps", description: "begin each line with its time" },
    ],
    examples: ["odysseus logs web -f --since 5m --tail 100", "odysseus logs web --stderr --json | jq .text"],
    load: async () => (await streams()).logs,
  },
  {
    name: "history",
    arguments: [name],
    summary: "Show who changed a deployment, what, when, and how it ended",
    options: [
      { flags: "--limit <number>", description: "how many changes (50)" },
      { flags: "--by <who>", description: "only changes by this person" },
      { flags: "--change <kind>", description: "only this kind: update, scale, rollback, ..." },
    ],
    examples: ["odysseus history web --limit 10"],
    load: async () => (await lists()).history,
  },
  {
    name: "deployments",
    arguments: [],
    summary: "List the deployments",
    options: [],
    examples: ["odysseus deployments", "odysseus deployments get web --json"],
    load: async () => (await lists()).deployments,
  },
  {
    name: "containers",
    arguments: [],
    summary: "List the replicas: where they run, how they are, and why",
    options: [
      { flags: "-d, --deployment <name>", description: "only of this deployment" },
      { flags: "-n, --node <name>", description: "only on this node" },
      { flags: "--phase <phase>", description: "only in this phase: running, pending, backing-off, ..." },
    ],
    examples: ["odysseus containers --deployment web", "odysseus containers stats --deployment web"],
    load: async () => (await lists()).containers,
  },
  {
    name: "nodes",
    arguments: [],
    summary: "List the nodes: health, use, and when each was last heard",
    options: [],
    examples: ["odysseus nodes", "odysseus nodes get n1 --json"],
    load: async () => (await lists()).nodes,
  },
  {
    name: "cordon",
    arguments: [nodeName],
    summary: "Place no new replicas on a node",
    options: [],
    examples: ["odysseus cordon n1"],
    load: async () => (await nodes()).cordon,
  },
  {
    name: "uncordon",
    arguments: [nodeName],
    summary: "Place replicas on a node again",
    options: [],
    examples: ["odysseus uncordon n1"],
    load: async () => (await nodes()).uncordon,
  },
  {
    name: "drain",
    arguments: [nodeName],
    summary: "Move all replicas of a node to other nodes",
    options: [
      { flags: "--wait", description: "until none is left" },
      { flags: "--timeout <duration>", description: "stop waiting after so long; draining goes on" },
    ],
    examples: ["odysseus drain n1 --wait"],
    load: async () => (await nodes()).drain,
  },
  {
    name: "events",
    arguments: [],
    summary: "Show what was decided and what happened; --json with all data",
    options: [
      { flags: "-f, --follow", description: "wait for the next ones; Ctrl-C ends it" },
      { flags: "-d, --deployment <name>", description: "only of this deployment" },
      { flags: "-n, --node <name>", description: "only of this node" },
      { flags: "--limit <number>", description: "how many (100)" },
    ],
    examples: ["odysseus events -f", "odysseus events --deployment web --json"],
    load: async () => (await streams()).events,
  },
  {
    name: "audit",
    arguments: [],
    summary: "Show who did what, when, and whether it was allowed",
    options: [
      { flags: "--limit <number>", description: "how many entries, newest first (50)" },
      { flags: "--since <when>", description: "5m ago, or a time" },
      { flags: "--operation <name>", description: "only this one: deployments.scale" },
      { flags: "--resource <address>", description: "only about this one: default/deployment/web" },
    ],
    examples: ["odysseus audit --since 1h", "odysseus audit --operation deployments.delete --json"],
    load: async () => (await streams()).audit,
  },
];
