import type { VolumeView } from "../../../actors/volume/operations.ts";
import { emptyLists } from "../empty-lists.ts";
import { askAll } from "../routes.ts";
import type { Action } from "../session.ts";
import type { Column } from "../table.ts";
import { show } from "./lists.ts";

export const volumes: Action = async (session) => {
  const items = await askAll<VolumeView>(session.api(), "volumes.list", {});
  const columns: readonly Column[] = [{ title: "NAME" }, { title: "NODE" }, { title: "USERS", least: 12 }];
  show(session, items, columns, emptyLists["volumes.list"], (item) => [
    item.name,
    item.nodes.join(", "),
    item.users.length === 0 ? "nobody" : item.users.join(", "),
  ]);
};
