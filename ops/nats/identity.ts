/** Who may talk on the bus: the control plane, or the agent of one node of one tenant. */
export type BusIdentity = { readonly kind: "control-plane" } | AgentIdentity;

export interface AgentIdentity {
  readonly kind: "agent";
  readonly tenant: string;
  readonly node: string;
}

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export const controlPlane: BusIdentity = { kind: "control-plane" };

/** The name in the certificate and in the server's configuration. Ids hold no dots, so no two identities share a name. */
export function userName(identity: BusIdentity): string {
  return identity.kind === "agent" ? `${identity.node}.${identity.tenant}.agent` : "control-plane";
}

/** Goes into the client's `inboxPrefix`: without one of its own, an agent could read the replies to others. */
export function inboxPrefix(identity: BusIdentity): string {
  return identity.kind === "agent" ? `_INBOX.${identity.tenant}.${identity.node}` : "_INBOX.control-plane";
}

/**
 * What the server lets an identity send and hear. An agent speaks to its own node actor and into its own streams, hears what is sent
 * to itself, and may answer a request (the server permits each reply once).
 */
export function permissionsOf(identity: BusIdentity): Permissions {
  const inbox = `${inboxPrefix(identity)}.>`;
  if (identity.kind === "control-plane") {
    return { publish: ["ody.>", "$JS.>", "$KV.>", "_INBOX.>"], subscribe: ["ody.>", "$JS.>", "$KV.>", inbox] };
  }
  const { tenant, node } = identity;
  return {
    publish: [`ody.${tenant}.node.${node}`, `ody.${tenant}.stream.${node}.>`],
    subscribe: [`ody.${tenant}.agent.${node}`, `ody.${tenant}.agent.${node}.>`, inbox],
  };
}
