import { createHash } from "node:crypto";
import { choiceOf, wantedHosts } from "./choose.ts";
import { idOf, type KeyRing } from "./key-ring.ts";
import type { CertificatesState, KeyedChain } from "./state.ts";
import type { Supply } from "../ingress/keys.ts";

interface Serving {
  readonly name: string;
  readonly certificate: KeyedChain;
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
  const certificates = serving.flatMap(({ name, certificate: { chain, key: reference } }) => {
    const key = opened.get(idOf(reference));
    if (key?.kind === "key") return [{ id: certificateId(chain, key.text), chain, privateKey: key.text }];
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

function certificateId(chain: string, privateKey: string): string {
  return createHash("sha256").update(chain).update("\0").update(privateKey).digest("hex");
}

/** Each certificate in use once. */
function servingOf(state: CertificatesState): readonly Serving[] {
  const used = wantedHosts(state).flatMap(({ host }) => {
    const { source, certificate } = choiceOf(state, host);
    return certificate === undefined ? [] : [{ certificate, name: source === "uploaded" ? certificate.name : host }];
  });
  return [...new Map(used.map((serving) => [serving.name, serving])).values()];
}
