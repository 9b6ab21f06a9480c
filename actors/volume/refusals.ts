import { defineRefusals } from "../../runtime/refusal.ts";

export const volumeRefusals = defineRefusals({
  "volume.not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, nearest }: { name: string; nearest?: string | undefined }) =>
      `There is no volume "${name}".${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`,
  },
  "volume.in-use": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, users }: { name: string; users: readonly string[] }) =>
      `The volume "${name}" is used by ${users.join(", ")}. Delete them, or take it out of them first.`,
  },
});
