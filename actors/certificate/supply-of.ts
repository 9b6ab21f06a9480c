import { choiceOf, wantedHosts } from "./choose.ts";
import { idOf, type KeyRing } from "./key-ring.ts";
import type { CertificatesState, KeyedChain } from "./state.ts";
import type { Supply } from "../ingress/keys.ts";

/** Hosts named beside one certificate at most; a wildcard may serve more. */
const MAX_HOSTS_TOGETHER = 100;

interface Serving {
  readonly name: string;
  readonly certificate: KeyedChain;
  readonly hosts: readonly string[];
}

export interface MadeSupply {
  readonly supply: Supply;
  /** By name of the certificate: why its private key cannot be opened. It is left out of the supply. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** Undefined while keys are being opened. */
export function supplyOf(state: CertificatesState, keys: KeyRing): MadeSupply | undefined {
  const serving = servingOf(state);
  const opened = keys.all(serving.map(({ certificate }) => certificate.key));
  if (opened === undefined) return undefined;
  const unreadable = new Map<string, string>();
  const certificates = serving.flatMap(({ name, certificate, hosts }) => {
    const key = opened.get(idOf(certificate.key));
    if (key?.kind === "key") return chunksOf(hosts).map((some) => ({ hosts: some, chain: certificate.chain, privateKey: key.text }));
    unreadable.set(name, key?.message ?? "it was not opened");
    return [];
  });
  const challenges = wantedHosts(state).flatMap(({ order }) => {
    if (order?.at.step !== "publishing" && order?.at.step !== "validating") return [];
    const { token, keyAuthorization } = order.at.challenge;
    return [{ token, keyAuthorization }];
  });
  return { supply: { version: state.version, certificates, challenges }, unreadable };
}

/** Each certificate in use once, with all hosts it serves. */
function servingOf(state: CertificatesState): readonly Serving[] {
  const used = wantedHosts(state).flatMap(({ host }) => {
    const { source, certificate } = choiceOf(state, host);
    return certificate === undefined ? [] : [{ host, certificate, name: source === "uploaded" ? certificate.name : host }];
  });
  return [...Map.groupBy(used, ({ name }) => name).entries()].flatMap(([name, group]) => {
    const [first] = group;
    return first === undefined ? [] : [{ name, certificate: first.certificate, hosts: group.map(({ host }) => host) }];
  });
}

function chunksOf(hosts: readonly string[]): string[][] {
  const count = Math.ceil(hosts.length / MAX_HOSTS_TOGETHER);
  return Array.from({ length: count }, (_, index) => hosts.slice(index * MAX_HOSTS_TOGETHER, (index + 1) * MAX_HOSTS_TOGETHER));
}
