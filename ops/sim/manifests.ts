import { readProject } from "../../actors/manifest/read-compose.ts";
import { stackInput } from "../../actors/manifest/stack-input.ts";
import type { Random } from "../../runtime/clock.ts";
import { BAD_IMAGES, BALANCED_PORTS, DEADLINES, GOOD_IMAGES, oneOf, type Wish } from "./ingredients.ts";

/** The second has a service named like itself: the deployment `db`, which people also make and change by itself. */
export const STACKS = ["shop", "db"] as const;

/** In an order in which later ones may wait for earlier ones. The first one ends; the others are meant to run on. */
export const SERVICES = ["init", "db", "app", "web"] as const;
type Service = (typeof SERVICES)[number];

export const MEMBERS = SERVICES.map((service) => `shop-${service}`);

const BAD_IMAGE_SHARE = 0.1;
const MEMBER_SHARE = 0.7;
const WAITING_SHARE = 0.5;
const CHECKED_SHARE = 0.4;
const VOLUME_SHARE = 0.5;
const PORT_SHARE = 0.3;
const ROUTE_SHARE = 0.2;
const TOGETHER_SHARE = 0.5;
const PAUSE_SHARE = 0.3;
const RESTART_SHARE = 0.3;
const JOBS = ["sim/job:300", "sim/job:1500"] as const;
const CONDITIONS = ["service_started", "service_healthy"] as const;

/** Only what works, for when nothing else goes wrong. */
export type Quality = "any" | "good";

/** Somebody writes a Compose file and applies it. */
export function applied(random: Random, stack: string, prune: boolean, quality: Quality): Wish {
  const manifest = manifestText(random, stack, quality);
  const read = readProject({ manifests: [{ file: "compose.yaml", text: manifest }] });
  if (read.services.length === 0) throw new Error(`not read: ${JSON.stringify(read.findings)}\n${manifest}`);
  return { operation: "stacks.apply", input: { name: read.name, ...stackInput(read, prune) }, manifest };
}

function manifestText(random: Random, stack: string, quality: Quality): string {
  const chosen = SERVICES.filter(() => random.next() < MEMBER_SHARE);
  const services = chosen.length === 0 ? ([oneOf(random, SERVICES)] as const) : chosen;
  const isTogether = random.next() < TOGETHER_SHARE;
  const onFailure = random.next() < PAUSE_SHARE ? "pause" : "rollback";
  const written = services.map((service, index) =>
    serviceText(random, { stack, service, earlier: services.slice(0, index), isTogether, quality }),
  );
  return [
    `name: ${stack}`,
    `x-odysseus: { onFailure: ${onFailure} }`,
    "services:",
    ...written.flat(),
    ...(isTogether ? ["networks: { back: {} }"] : []),
    ...(written.flat().some((line) => line.includes("volumes:")) ? ["volumes: { data: {} }"] : []),
    "",
  ].join("\n");
}

interface Writing {
  readonly stack: string;
  readonly service: Service;
  readonly earlier: readonly Service[];
  readonly isTogether: boolean;
  readonly quality: Quality;
}

function serviceText(random: Random, { stack, service, earlier, isTogether, quality }: Writing): readonly string[] {
  const isJob = service === "init";
  const isBad = quality === "any" && random.next() < BAD_IMAGE_SHARE;
  const image = oneOf(random, isBad ? BAD_IMAGES : isJob ? JOBS : GOOD_IMAGES);
  const waits = earlier
    .filter(() => random.next() < WAITING_SHARE)
    .map((other) => `${other}: { condition: ${conditionOf(random, other, quality)}, restart: ${random.next() < RESTART_SHARE} }`);
  const own = {
    rollout: DEADLINES,
    ...(service === "web" && random.next() < ROUTE_SHARE && { routes: [{ host: `${stack}.example.com`, containerPort: 80, tls: "off" }] }),
  };
  return [
    `  ${service}:`,
    `    image: ${image}`,
    `    environment: { N: "${Math.floor(random.next() * 3)}" }`,
    "    stop_grace_period: 2s",
    isTogether && !isJob ? "    networks: [back]" : "    network_mode: bridge",
    ...(isJob ? [`    restart: "no"`] : [`    deploy: { replicas: ${service === "db" ? 1 : 1 + Math.floor(random.next() * 2)} }`]),
    ...(!isJob && random.next() < CHECKED_SHARE ? ["    healthcheck: { test: [CMD, check], interval: 3s, timeout: 1s, retries: 2 }"] : []),
    ...(service === "db" && random.next() < VOLUME_SHARE ? ["    volumes: [data:/data]"] : []),
    ...(service === "web" && random.next() < PORT_SHARE ? [`    ports: ["${oneOf(random, BALANCED_PORTS)}:80"]`] : []),
    ...(waits.length > 0 ? [`    depends_on: { ${waits.join(", ")} }`] : []),
    `    x-odysseus: ${JSON.stringify(own)}`,
  ];
}

/** One that ends may be over before anybody saw that it was well. */
function conditionOf(random: Random, other: Service, quality: Quality): string {
  if (other !== "init") return oneOf(random, CONDITIONS);
  return quality === "good" ? "service_completed_successfully" : oneOf(random, ["service_completed_successfully", ...CONDITIONS]);
}
