/** Fields of Compose that Odysseus does not act on: why, and what to write instead. All of them are errors: to ignore them would change what runs. */
export interface Unsupported {
  readonly reason: string;
  readonly instead?: string;
}

const later = (what: string): Unsupported => ({ reason: `${what} not supported yet.` });

export const unsupportedTopLevel: Readonly<Record<string, Unsupported>> = {
  networks: later("Networks are"),
  volumes: later("Volumes are"),
  secrets: later("Secrets in a manifest are"),
  configs: later("Configs are"),
  include: { reason: "Other files are not read.", instead: "name one manifest after the other." },
  models: later("Models are"),
};

const resources = (field: string): Unsupported => ({
  reason: "This is Compose's older spelling.",
  instead: `write deploy.resources.${field}.`,
});
const ownHost = (what: string): Unsupported => ({ reason: `${what} would reach into the node, which is not supported.` });

export const unsupportedInService: Readonly<Record<string, Unsupported>> = {
  build: { reason: "Nodes run images, they do not build them.", instead: "build and push it first, then name it with image." },
  container_name: {
    reason: "A deployment makes a container per replica, so none has a name of its own.",
    instead: "the service's name is the deployment's.",
  },
  depends_on: {
    reason: "Deployments start independently of each other.",
    instead: "let the service try again until the other one answers; apply one manifest after the other to keep an order.",
  },
  env_file: { reason: "Other files are not read.", instead: "write the variables under environment." },
  extends: { reason: "Other services are not read.", instead: "use a YAML anchor and <<." },
  profiles: {
    reason: "Every service of the manifest is applied.",
    instead: "keep services of another profile in a manifest of their own.",
  },
  volumes: later("Volumes are"),
  tmpfs: later("Temporary file systems are"),
  networks: later("Networks are"),
  network_mode: later("The network's mode is"),
  secrets: later("Secrets in a manifest are"),
  configs: later("Configs are"),
  links: later("Links are"),
  external_links: later("Links are"),
  expose: {
    reason: "It publishes nothing, and networks between replicas are not supported yet.",
    instead: "leave it out, or publish with ports.",
  },
  scale: { reason: "This is Compose's older spelling.", instead: "write deploy.replicas." },
  cpus: resources("limits.cpus"),
  mem_limit: resources("limits.memory"),
  mem_reservation: resources("reservations.memory"),
  memswap_limit: later("A limit on swap is"),
  cpu_shares: later("Weights of processors are"),
  cpuset: later("Pinning to processors is"),
  pids_limit: later("A limit on processes is"),
  ulimits: later("Limits on files and processes are"),
  platform: {
    reason: "The platform follows from the image and the node.",
    instead: 'write deploy.placement.constraints: ["node.platform.arch == arm64"].',
  },
  logging: { reason: "Logs are read from the node's engine as they are.", instead: "leave it out and use odysseus logs." },
  pull_policy: { reason: "An image is pinned to its digest when it is applied and pulled where it is missing.", instead: "leave it out." },
  hostname: later("A name for the host is"),
  domainname: later("A domain name is"),
  extra_hosts: later("Extra host names are"),
  dns: later("Own name servers are"),
  dns_search: later("Search domains are"),
  init: later("An init process is"),
  tty: later("A terminal is"),
  stdin_open: later("An open stdin is"),
  read_only: later("A read-only root is"),
  cap_add: later("Added capabilities are"),
  cap_drop: later("Dropped capabilities are"),
  security_opt: later("Security options are"),
  sysctls: later("Kernel settings are"),
  group_add: later("Further groups are"),
  shm_size: later("The size of shared memory is"),
  gpus: later("GPUs are"),
  runtime: later("Another runtime is"),
  privileged: ownHost("A privileged container"),
  pid: ownHost("Sharing process ids"),
  ipc: ownHost("Sharing memory"),
  userns_mode: ownHost("Sharing user ids"),
  cgroup: ownHost("Sharing the control group"),
  devices: ownHost("A device"),
};

export const unsupportedInDeploy: Readonly<Record<string, Unsupported>> = {
  labels: { reason: "A deployment's containers alone carry labels.", instead: "write labels beside image." },
  rollback_config: { reason: "A rollback follows the same rules as the update it undoes.", instead: "write update_config." },
  endpoint_mode: later("The mode of the endpoint is"),
};

export const unsupportedInUpdateConfig: Readonly<Record<string, Unsupported>> = {
  delay: {
    reason: "There is no pause between replicas.",
    instead: "write monitor: a replica must be healthy for so long before the next is replaced.",
  },
  max_failure_ratio: { reason: "A single replica that cannot become healthy fails the rollout.", instead: "leave it out." },
};
