import type { OperationContext } from "../../actors/catalogue.ts";
import { INSTALLATION } from "../../actors/host-name/commands.ts";
import type { Journal } from "../../runtime/journal.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { openMasterKeys, type MasterKey } from "../../storage/master-keys.ts";
import { openSealedStore } from "../../storage/sealed-store.ts";
import { openTenant, type OpenTenant } from "../../storage/tenant-files.ts";

/** A tenant that this process owns, with what is its alone. The installation is held as one. */
export interface HeldTenant extends Pick<OperationContext, "reads" | "sealed"> {
  readonly tenant: string;
  readonly journal: Journal;
  /** Every start is a new owner: whatever an earlier one still has on its way is fenced. */
  readonly epoch: number;
}

export interface HoldOptions {
  /** Of the tenants' files. */
  readonly directory: string;
  /** Path of the keys to what they keep sealed. */
  readonly masterKeys: string;
  readonly tenants: readonly string[];
}

/** All that live in this process: the installation and its tenants. Each has a file of its own, and none can reach another's. */
export class HeldTenants {
  readonly all: readonly HeldTenant[];
  readonly #byName: ReadonlyMap<string, HeldTenant>;
  readonly #files: readonly OpenTenant[];

  private constructor(all: readonly HeldTenant[], files: readonly OpenTenant[]) {
    this.all = all;
    this.#byName = new Map(all.map((held) => [held.tenant, held]));
    this.#files = files;
  }

  /** Rejects with `TenantFileError` when a file cannot be had; then none is held. */
  static async open({ directory, masterKeys, tenants }: HoldOptions): Promise<HeldTenants> {
    if (tenants.includes(INSTALLATION))
      throw new Error(`"${INSTALLATION}" is no tenant's name: what belongs to all of them is kept under it`);
    const names = [INSTALLATION, ...tenants];
    const opened = await Promise.allSettled(names.map((tenant) => openTenant({ directory, tenant })));
    const files = opened.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    try {
      const failed = opened.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      const keys = openMasterKeys(masterKeys, systemClock.nowMs());
      return new HeldTenants(await Promise.all(files.map((file, index) => hold(names[index] ?? "", file, keys))), files);
    } catch (error) {
      await closeAll(files);
      throw error;
    }
  }

  of(tenant: string): HeldTenant {
    const held = this.#byName.get(tenant);
    if (held === undefined) throw new Error(`tenant ${tenant} is not held here`);
    return held;
  }

  close(): Promise<void> {
    return closeAll(this.#files);
  }
}

async function hold(tenant: string, { journal, reads, sealedRows }: OpenTenant, masterKeys: readonly MasterKey[]): Promise<HeldTenant> {
  const epoch = (await journal.claim(0)) + 1;
  await journal.claim(epoch);
  const sealed = await openSealedStore({ tenant, rows: sealedRows, masterKeys, nowMs: () => systemClock.nowMs() });
  return { tenant, journal, reads, epoch, sealed };
}

async function closeAll(files: readonly OpenTenant[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}
