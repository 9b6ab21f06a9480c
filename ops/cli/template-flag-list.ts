import type { Flag } from "./everyday-entry.ts";

/** Everything a template may say, as flags. */
export const templateFlags: readonly Flag[] = [
  { flags: "--image <reference>", description: "what to run; pinned to its digest when the change is made" },
  {
    flags: "--pull <when>",
    description: "never: the image is what nodes have themselves, and none pulls it (missing)",
    choices: ["missing", "never"],
  },
  {
    flags: "-p, --publish <port>",
    description: "PUBLISHED:CONTAINER[/udp|/http][,mode=host]: answers on every node, over all replicas; mode=host: on the replica's alone",
    repeats: true,
  },
  {
    flags: "--route <route>",
    description:
      "HOST[/PATH][:PORT][,OPTION...]: answers over HTTPS on every node; tls=off: over HTTP; sticky, compress, timeout=30s, max-body=10M, auth=NAME:HASH, allow=10.0.0.0/8, rate=100/50",
    repeats: true,
  },
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
  {
    flags: "--mode <mode>",
    description: "global: one replica on every node that fits, now and later, instead of a number of replicas (replicated)",
    choices: ["replicated", "global"],
  },
  { flags: "--constraint <rule>", description: 'where it may run: zone==eu, "zone in eu,us", ssd', repeats: true },
  { flags: "--max-replicas-per-node <number>", description: "so many of its replicas may be on one node; 0: any number (0)" },
  {
    flags: "--partition <policy>",
    description: "when a node is lost: replace its replicas elsewhere, or wait until it is back or removed (replace)",
    choices: ["replace", "wait"],
  },
  { flags: "--entrypoint <word>", description: "replaces the image's; once per word", repeats: true },
  { flags: "--user <name>", description: "user in the container" },
  { flags: "--workdir <path>", description: "working directory in the container" },
  { flags: "--stop-signal <signal>", description: "asks it to end (SIGTERM)" },
  { flags: "--stop-grace <duration>", description: "until it is killed (10s)" },
  { flags: "--drain <duration>", description: "what a replica has begun may take so long before it is stopped (30s)" },
  { flags: "--max-surge <share>", description: "replicas above the wanted number during a rollout: 1 or 25%" },
  { flags: "--max-unavailable <share>", description: "replicas that may be missing during a rollout: 0 or 25%" },
  { flags: "--min-healthy <duration>", description: "healthy for so long before a replica counts (5s)" },
  { flags: "--update-delay <duration>", description: "after a new replica counts, before the next one is replaced (0s)" },
  {
    flags: "--rollback-parallelism <number>",
    description: "replicas replaced at once on the way back to this revision; 0: all; absent: as in an update",
  },
  {
    flags: "--rollback-order <order>",
    description: "start-first: new before old on the way back; stop-first: old before new (start-first)",
    choices: ["start-first", "stop-first"],
  },
  { flags: "--rollback-delay <duration>", description: "as --update-delay, on the way back; absent: the same" },
  { flags: "--deadline <duration>", description: "of the whole rollout (1h)" },
  { flags: "--on-failure <what>", description: "what a failed update does (rollback)", choices: ["rollback", "pause"] },
];
