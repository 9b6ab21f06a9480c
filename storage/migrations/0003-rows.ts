/**
 * Rows are written again and again, so they stand beside their indexes and not in one: a row of a few hundred bytes or a few thousand is then one page of the
 * WAL, and as long as its parent stays the same no index is written with it.
 */
export const rowsBesideIndexes = `
  alter table rows rename to rows_in_index;
  drop index rows_by_parent;

  create table rows (
    sequence integer primary key,
    tenant text not null,
    kind text not null,
    id text not null,
    parent text not null,
    body text not null,
    offset integer not null,
    updated_at_ms integer not null
  ) strict;
  insert into rows (tenant, kind, id, parent, body, offset, updated_at_ms)
    select tenant, kind, id, parent, body, offset, updated_at_ms from rows_in_index order by kind, parent, id;
  drop table rows_in_index;
  create unique index rows_by_id on rows (kind, id, tenant);
  create index rows_by_parent on rows (kind, parent, id, tenant);
`;
