import { defineRefusals } from "../runtime/refusal.ts";

/** What an agent refuses. */
export const agentRefusals = defineRefusals({
  "agent.other-node": {
    httpStatus: 409,
    retryable: false,
    message: ({ node }: { readonly node: string }) => `this is the agent of node ${node}: the request was meant for another one`,
  },
  "agent.too-many-streams": {
    httpStatus: 429,
    retryable: true,
    message: ({ limit }: { readonly limit: number }) => `${limit} log streams are open on this node already: close one and try again`,
  },
  "agent.no-such-stream": {
    httpStatus: 404,
    retryable: false,
    message: ({ streamId }: { readonly streamId: string }) => `there is no stream ${streamId} on this node: it has ended`,
  },
});
