import type Database from "better-sqlite3";

/** A key of the tenant, encrypted with the master key named `master`. */
export interface SealedKey {
  readonly id: string;
  /** values: encrypts. versions: tells versions apart; it never changes, so that the same bytes keep their version. */
  readonly purpose: "values" | "versions";
  readonly master: string;
  readonly wrapped: Uint8Array;
  readonly atMs: number;
}

/** A value, encrypted with the tenant's key of that id. */
export interface SealedValue {
  readonly name: string;
  readonly version: string;
  readonly key: string;
  readonly sealed: Uint8Array;
  readonly atMs: number;
}

export type SealedRequest =
  | { readonly kind: "keys" }
  | { readonly kind: "add-key"; readonly key: SealedKey }
  | { readonly kind: "put"; readonly value: SealedValue }
  | { readonly kind: "get"; readonly name: string; readonly version: string }
  | { readonly kind: "newest"; readonly name: string };

/** The tables of encrypted values over the writing connection, synchronously. */
export class SealedTable {
  readonly #tenant: string;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: Database.Database, tenant: string) {
    this.#tenant = tenant;
    this.#sql = prepare(db);
  }

  /** Oldest first. */
  keys(): readonly SealedKey[] {
    return this.#sql.keys.all(this.#tenant);
  }

  addKey({ id, purpose, master, wrapped, atMs }: SealedKey): void {
    this.#sql.addKey.run(this.#tenant, id, purpose, master, wrapped, atMs);
  }

  put({ name, version, key, sealed, atMs }: SealedValue): void {
    this.#sql.put.run(this.#tenant, name, version, key, sealed, atMs);
  }

  get(name: string, version: string): SealedValue | undefined {
    return this.#sql.get.get(this.#tenant, name, version);
  }

  newest(name: string): string | undefined {
    return this.#sql.newest.get(this.#tenant, name);
  }
}

function prepare(db: Database.Database) {
  return {
    keys: db.prepare<[string], SealedKey>(
      "select id, purpose, master, wrapped, at_ms as atMs from sealed_keys where tenant = ? order by at_ms, id",
    ),
    addKey: db.prepare<[string, string, string, string, Uint8Array, number]>(
      "insert into sealed_keys (tenant, id, purpose, master, wrapped, at_ms) values (?, ?, ?, ?, ?, ?) on conflict do nothing",
    ),
    put: db.prepare<[string, string, string, string, Uint8Array, number]>(
      `insert into sealed_values (tenant, name, version, key, sealed, at_ms) values (?, ?, ?, ?, ?, ?)
       on conflict (name, version, tenant) do update set sequence = (select max(sequence) + 1 from sealed_values)`,
    ),
    get: db.prepare<[string, string, string], SealedValue>(
      "select name, version, key, sealed, at_ms as atMs from sealed_values where tenant = ? and name = ? and version = ?",
    ),
    newest: db
      .prepare<[string, string], string>("select version from sealed_values where tenant = ? and name = ? order by sequence desc limit 1")
      .pluck(),
  };
}
