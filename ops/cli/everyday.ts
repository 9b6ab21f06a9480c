import { type Everyday, type Flag, generation, waiting } from "./everyday-entry.ts";
import { everydayStacks } from "./everyday-stacks.ts";
import { templateFlags } from "./template-flag-list.ts";

const name = ["<name>", "the deployment; STACK/SERVICE for a member of a stack"] as const;
const command = ["[command...]", "replaces the image's command; after --"] as const;
const nodeName = ["<node>", "the node"] as const;
const changes = () => import("./commands/change.ts");
const lists = () => import("./commands/lists.ts");
const volumes = () => import("./commands/volumes.ts");
const streams = () => import("./commands/streams.ts");
const nodes = () => import("./commands/nodes.ts");
const actors = () => import("./commands/actors.ts");
const ingress = () => import("./commands/ingress.ts");
const ofDeployment: Flag = { flags: "-d, --deployment <name>", description: "only of this deployment" };

export const everyday: readonly Everyday[] = [
  {
    name: "deploy",
    arguments: [name, command],
    summary: "Create a deployment",
    options: [{ flags: "--replicas <number>", description: "how many (1); not with --mode global" }, ...templateFlags, ...waiting],
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
  ...everydayStacks,
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
    load: async () => (await import("./commands/history.ts")).history,
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
    name: "volumes",
    arguments: [],
    options: [],
    summary: "List the named volumes: on which node their data is, and who mounts them",
    examples: ["odysseus volumes", "odysseus volumes delete shop_data"],
    load: async () => (await volumes()).volumes,
  },
  {
    name: "ports",
    arguments: [],
    summary: "List the published ports: where each answers, over how many replicas, or why not",
    options: [ofDeployment],
    examples: ["odysseus ports", "odysseus ports --deployment web"],
    load: async () => (await ingress()).ports,
  },
  {
    name: "routes",
    arguments: [],
    summary: "List the routes: where each answers, over how many replicas, or why not",
    options: [ofDeployment],
    examples: ["odysseus routes", "odysseus routes --deployment web"],
    load: async () => (await ingress()).routes,
  },
  {
    name: "ingress",
    arguments: [],
    summary: "List what the nodes' proxies do for published ports and routes, or change which of them do it",
    options: [
      { flags: "--only <rule>", description: "only nodes of this kind take traffic, like edge==yes; all: every node", repeats: true },
      {
        flags: "--trust <address>",
        description: "whose X-Forwarded-* and PROXY protocol are believed, like 10.0.0.0/8; none: nobody's",
        repeats: true,
      },
    ],
    examples: ["odysseus ingress", "odysseus ingress pools --json", "odysseus ingress --only edge==yes --trust 10.0.0.0/8"],
    load: async () => (await ingress()).ingress,
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
    name: "remove",
    arguments: [nodeName],
    summary: "Forget a node that is gone",
    options: [],
    examples: ["odysseus remove n3"],
    load: async () => (await nodes()).remove,
  },
  {
    name: "certificates",
    arguments: [],
    summary: "List the certificates of routes: where they are from, when they end, and what is under way",
    options: [],
    examples: [
      "odysseus certificates",
      "odysseus certificates upload --chain fullchain.pem --key privkey.pem",
      "odysseus certificates configure --acme on --email ops@example.com --agree-terms",
    ],
    load: async () => (await import("./commands/certificates.ts")).certificates,
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
  {
    name: "actors",
    arguments: [],
    summary: "List what lives in the control plane, and what of it is in quarantine",
    options: [{ flags: "--phase <phase>", description: "only actors in this phase: quarantined" }],
    examples: ["odysseus actors --phase quarantined"],
    load: async () => (await actors()).actors,
  },
  {
    name: "resume",
    arguments: [["<actor>", "as odysseus actors shows it"]],
    summary: "Let an actor out of quarantine",
    options: [{ flags: "--poison <what>", description: "what becomes of the message it failed on (retry)", choices: ["retry", "drop"] }],
    examples: ["odysseus resume default/node/n1", "odysseus resume default/node/n1 --poison drop"],
    load: async () => (await actors()).resume,
  },
];
