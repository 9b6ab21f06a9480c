import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { readProject } from "../../actors/manifest/read-compose.ts";
import { composeFixtures, hasComposeFixtures } from "../support/compose-fixtures.ts";

const SERVICES = 2_000;

interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

function timed(run: () => unknown): Took {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1_000 };
}

function shown(title: string, took: readonly Took[]): void {
  const at = (share: number, of: "wallMs" | "cpuMs"): string => {
    const sorted = took.map((item) => item[of]).toSorted((a, b) => a - b);
    return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  };
  const figures = (of: "wallMs" | "cpuMs"): string => `median ${at(0.5, of)} ms, p95 ${at(0.95, of)} ms, longest ${at(1, of)} ms`;
  console.log(`${title}: ${figures("wallMs")} (processor time: ${figures("cpuMs")})`);
}

/** Reading Compose files of others, each once and the first one cold, beside parsing their YAML alone; then one file of many services. */
function benchManifests(): void {
  if (hasComposeFixtures) {
    const texts = ["templates", "stacks"].flatMap((folder) =>
      readdirSync(join(composeFixtures, folder)).map((name) => readFileSync(join(composeFixtures, folder, name), "utf8")),
    );
    const read = (text: string): Took => timed(() => readProject({ manifests: [{ file: "compose.yaml", text }] }));
    shown(`${texts.length} files of others, read`, texts.map(read));
    shown(`${texts.length} files of others, read again`, texts.map(read));
    shown(
      `${texts.length} files of others, YAML alone`,
      texts.map((text) => timed(() => parseDocument(text))),
    );
  } else {
    console.log("Files of others: not here; ODYSSEUS_FIXTURES names their folder.");
  }
  const text = manyServices();
  const readMany = (): Took =>
    timed(() => {
      const { services } = readProject({ manifests: [{ file: "compose.yaml", text }], environment: { TAG: "1" } });
      if (services.length !== SERVICES) throw new Error(`${services.length} services were read instead of ${SERVICES}`);
    });
  shown(`${SERVICES} services in one file of ${Math.round(text.length / 1_024)} KiB`, [readMany(), readMany(), readMany()]);
  const parseMany = (): Took => timed(() => parseDocument(text, { uniqueKeys: false }));
  shown(`${SERVICES} services in one file, YAML alone`, [parseMany(), parseMany(), parseMany()]);
}

function manyServices(): string {
  const service = (index: number): string => `  service-${index}:
    <<: *common
    image: registry.example/service-${index}:\${TAG:-latest}
    environment: {NAME: service-${index}, LEVEL: "\${LEVEL:-info}"}
    ports: ["${10_000 + index}:8080"]
    depends_on: [service-${Math.floor(index / 2)}]
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 64M}}}
`;
  const common = "x-common: &common\n  restart: always\n  healthcheck: {test: [CMD, probe], interval: 5s}\n";
  const rest = Array.from({ length: SERVICES - 1 }, (_, index) => service(index + 1)).join("");
  return `${common}services:\n  service-0: {<<: *common, image: "first:1"}\n${rest}`;
}

benchManifests();
