import type Database from "better-sqlite3";
import { TenantFileError } from "./failure.ts";
import { journalTables } from "./migrations/0001-journal.ts";
import { sealedTables } from "./migrations/0002-sealed.ts";
import { rowsBesideIndexes } from "./migrations/0003-rows.ts";

/** Numbered from 1 by position; forward only. A released one is never edited: a change of the schema is a new entry. */
const MIGRATIONS: readonly { readonly name: string; readonly sql: string }[] = [
  { name: "journal", sql: journalTables },
  { name: "sealed", sql: sealedTables },
  { name: "rows beside their indexes", sql: rowsBesideIndexes },
];

const BOOKKEEPING = `
  create table if not exists migrations (number integer primary key, name text not null, tenant text not null, at_ms integer not null) strict;
`;

/** Brings the file to today's schema in one transaction. Throws `TenantFileError` for a file of a newer Odysseus or of another tenant. */
export function migrate(db: Database.Database, file: { readonly path: string; readonly tenant: string; readonly nowMs: number }): void {
  db.transaction(() => {
    db.exec(BOOKKEEPING);
    const applied = db.prepare<[], { number: number; tenant: string }>("select number, tenant from migrations order by number").all();
    const newest = applied.at(-1)?.number ?? 0;
    const owner = applied[0]?.tenant ?? file.tenant;
    if (owner !== file.tenant)
      throw new TenantFileError(
        "other-tenant",
        file.path,
        `it belongs to the tenant "${owner}", not "${file.tenant}"; check the directory`,
      );
    if (newest > MIGRATIONS.length) {
      throw new TenantFileError(
        "newer",
        file.path,
        `its schema is ${newest} and this Odysseus knows ${MIGRATIONS.length}; start the newer Odysseus that wrote it`,
      );
    }
    const record = db.prepare<[number, string, string, number]>("insert into migrations (number, name, tenant, at_ms) values (?, ?, ?, ?)");
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < newest) continue;
      db.exec(migration.sql);
      record.run(index + 1, migration.name, file.tenant, file.nowMs);
    }
  }).immediate();
}
