/**
 * Encrypted values and the tenant's keys to them, themselves encrypted with a master key that is in no database. The sequence says which version of a name
 * was sealed last.
 */
export const sealedTables = `
  create table sealed_keys (
    tenant text not null,
    id text not null,
    purpose text not null check (purpose in ('values', 'versions')),
    master text not null,
    wrapped blob not null,
    at_ms integer not null,
    primary key (id, tenant)
  ) strict, without rowid;

  create table sealed_values (
    sequence integer primary key,
    tenant text not null,
    name text not null,
    version text not null,
    key text not null,
    sealed blob not null,
    at_ms integer not null
  ) strict;
  create unique index sealed_values_by_name on sealed_values (name, version, tenant);
`;
