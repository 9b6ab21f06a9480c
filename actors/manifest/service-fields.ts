import { dependsOnRule } from "./depends-on.ts";
import { deployRule } from "./deploy.ts";
import type { Draft } from "./draft.ts";
import { envFileRule, environmentRule, labelFileRule, labelsRule } from "./environment.ts";
import { extensionRule } from "./extension.ts";
import { different, type FieldTable, type ForeignFields, honoured, passedOver, refused, refusedFlag, type Rule } from "./fields.ts";
import { healthcheckRule } from "./healthcheck.ts";
import { limitFields } from "./limit-fields.ts";
import { loggingRule } from "./logging.ts";
import { tmpfsRule, volumesRule } from "./mounts.ts";
import { nameFields } from "./name-fields.ts";
import { nodeFields } from "./node-fields.ts";
import { platformRule } from "./placement.ts";
import { exposeRule, portsRule } from "./ports.ts";
import { linksRule } from "./links.ts";
import { serviceNetworksRule } from "./service-networks.ts";
import { serviceFilesRule } from "./service-files.ts";
import { processFields, stopSignalRule, text } from "./process-fields.ts";
import { durationMs } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";
import { restartRule } from "./restart.ts";
import { readWords } from "./words.ts";

const words = (field: "command" | "entrypoint"): Rule<Draft> => ({
  ...honoured((reading, at, draft: Draft) => {
    if (!reading.isNull(at)) draft.set(field, readWords(reading, at), at);
  }),
  mayBeEmpty: true,
});
const ownHostFlag = (what: string): Rule<unknown> =>
  refusedFlag(`${what} would reach into the node, which is not supported.`, "leave it out.");
const ownHost = (what: string, harmless: readonly string[] = []): Rule<unknown> =>
  refused(`${what} would reach into the node, which is not supported.`, "leave it out.", harmless);
const windows = (what: string, harmless: readonly string[] = []): Rule<unknown> =>
  refused(`${what} exists on Windows only, and nodes run Linux.`, "leave it out.", harmless);

/** Fields of other products that their manifests carry. */
export const foreignServiceFields: ForeignFields<Draft> = {
  exclude_from_hc: { reason: "exclude_from_hc is a field of Coolify, not of Compose: health is told per replica here." },
  is_directory: { reason: "is_directory is a field of Coolify, not of Compose." },
  isDirectory: { reason: "isDirectory is a field of Coolify, not of Compose." },
};

const running: FieldTable<Draft> = {
  image: text("image"),
  command: words("command"),
  entrypoint: words("entrypoint"),
  environment: environmentRule,
  env_file: envFileRule,
  labels: labelsRule,
  label_file: labelFileRule,
  ports: portsRule,
  expose: exposeRule,
  healthcheck: healthcheckRule,
  user: text("user"),
  working_dir: text("workingDirectory"),
  stop_signal: stopSignalRule,
  stop_grace_period: honoured((reading, at, draft) => draft.set("stopGraceMs", reading.amount(at, durationMs, "30s or 1m30s"), at)),
  restart: restartRule,
  deploy: deployRule,
  scale: honoured((reading, at, draft) => draft.setReplicas(reading, reading.wholeNumber(at), at)),
  platform: platformRule,
  depends_on: dependsOnRule,
  profiles: honoured(() => undefined),
  extends: honoured(() => undefined),
  "x-odysseus": extensionRule,
};

const passed: FieldTable<Draft> = {
  build: different(
    "Nodes run images, they do not build them: refused unless image is there too, and then passed over.",
    (_reading, at, draft) => {
      draft.build = at;
    },
  ),
  attach: passedOver("Output is read with odysseus logs, not while applying.", "leave it out."),
  develop: passedOver("It is for docker compose watch.", "leave it out where only nodes run it."),
  container_name: different(
    "A container is named after its replica: a deployment may have several. Others on its networks find it by this name, too.",
    (reading, at, draft) => {
      const name = reading.text(at);
      if (name === undefined || name === "") return;
      draft.containerName = name;
      reading.differs(
        at,
        "A container is named after its replica; others on its networks find it by this name, too.",
        "use the service's name.",
      );
    },
  ),
  logging: loggingRule,
  pull_policy: different(
    "An image is pinned when a service first names it, and pulled where it is missing; with never, it is what nodes have themselves, and pulled from nowhere.",
    readPullPolicy,
  ),
  pull_refresh_after: passedOver("An image stays what it was when the service first named it.", "leave it out."),
};

const unavailable: FieldTable<unknown> = {
  models: refused("Models are not supported yet.", "run it as a service, and write its address into environment."),
  provider: refused(
    "Services that another program provides are not supported yet.",
    "write an image, or leave the service out and write its address into environment.",
  ),
  external_links: refused("What is not of the project cannot be linked.", "put both on one network that is external."),
  volumes_from: refused("Volumes are not taken over from another service.", "name under volumes of both what they share."),
  mac_address: refused("Its network address is given by the engine.", "leave it out."),
  storage_opt: refused("A container's disk has no options here.", "leave it out."),
  runtime: refused("Another runtime than the engine's own cannot be asked for.", "leave it out; for GPUs write gpus: all.", ["runc"]),
  umask: refused("A container's umask cannot be chosen.", "set it in the command: sh -c 'umask 027 && exec …'."),
  pre_start: refused(
    "Containers that run before a replica starts are not supported yet.",
    "write a service for it, and depends_on with service_completed_successfully.",
  ),
  cgroup_parent: ownHost("A control group of the node"),
  use_api_socket: ownHostFlag("The engine's socket"),
  credential_spec: windows("A credential specification"),
  cpu_count: windows("This count of processors", ["0"]),
  cpu_percent: windows("This share of processors", ["0"]),
  isolation: windows("A choice of isolation", ["default"]),
};

/** Every field a service may have. */
export const serviceFields: FieldTable<Draft> = {
  ...running,
  ...processFields,
  ...limitFields,
  ...nameFields,
  ...nodeFields,
  ...passed,
  volumes: volumesRule,
  tmpfs: tmpfsRule,
  networks: serviceNetworksRule,
  links: linksRule,
  configs: serviceFilesRule("config"),
  secrets: serviceFilesRule("secret"),
  ...unavailable,
};

const LOOKED_UP_AGAIN = /^(always|refresh|daily|weekly|every_.+)$/;

function readPullPolicy(reading: Reading, at: Place, draft: Draft): void {
  const policy = reading.text(at);
  if (policy === undefined || policy === "missing" || policy === "if_not_present") return;
  if (policy === "never") draft.set("pull", policy, at);
  else if (policy === "build")
    reading.differs(at, "Nothing is built: the image is pulled where it is missing.", "build and push it before.");
  else if (LOOKED_UP_AGAIN.test(policy))
    reading.differs(
      at,
      "An image stays what it was when the service first named it, whatever its tag stands for by now.",
      "name another tag, or pin it anew with odysseus update SERVICE --image NAME.",
    );
  else reading.invalid(at, `"${policy}" is not a way to pull.`, "write missing or never.");
}
