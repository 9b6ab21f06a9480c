import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_FRONTENDS } from "../../../actors/ingress/commands.ts";
import { Installation } from "../host-name/installation.ts";
import { routes, Stage } from "./stage.ts";

function two(): { readonly acme: Stage; readonly rival: Stage; readonly installation: Installation } {
  const installation = new Installation();
  const [acme, rival] = [new Stage("acme", installation), new Stage("rival", installation)];
  for (const stage of [acme, rival]) stage.node("n1");
  return { acme, rival, installation };
}

/** Hosts under which a tenant's nodes answer. */
function answered(stage: Stage): readonly string[] {
  return stage.table("n1").routes.map(({ host }) => host);
}

describe("a host name that another tenant has", () => {
  it("is refused as taken, and nothing is said of who has it, for what and since when", () => {
    const { acme, rival } = two();
    expect(acme.reserve("shop", routes("app.example.com"))).toBeUndefined();
    const refused = { code: "ingress.host-taken", message: "The host name app.example.com is taken: use another one." };
    expect(rival.reserve("web", routes("app.example.com"))).toMatchObject(refused);
    acme.serve("shop", routes("app.example.com"));
    const refusal = rival.reserve("web", routes("app.example.com"));
    expect(refusal).toMatchObject({ ...refused, details: { hosts: ["app.example.com"] } });
    expect(JSON.stringify(refusal)).not.toMatch(/acme|shop/);
    expect(rival.audited).toEqual(["deployments.create", "deployments.create"]);
  });

  it("is refused for every path of it", () => {
    const { acme, rival } = two();
    acme.serve("shop", { ...NO_FRONTENDS, routes: routes("app.example.com").routes.map((route) => ({ ...route, path: "/shop" })) });
    expect(rival.reserve("web", routes("app.example.com"))).toMatchObject({ code: "ingress.host-taken" });
  });

  it("leaves the names above and below it to others, unless a wildcard stands for them", () => {
    const { acme, rival } = two();
    acme.serve("shop", routes("example.com", "a.example.com"));
    expect(rival.reserve("web", routes("b.example.com", "b.a.example.com", "example.org"))).toBeUndefined();
    expect(rival.reserve("all", routes("*.a.example.com"))).toBeUndefined();
    expect(rival.reserve("all", routes("*.example.com"))).toMatchObject({ code: "ingress.host-taken" });
    rival.serve("all", routes("*.a.example.com"));
    expect(acme.reserve("deep", routes("b.a.example.com"))).toMatchObject({ code: "ingress.host-taken" });
    expect(acme.reserve("deep", routes("c.b.a.example.com"))).toBeUndefined();
  });

  it("is another tenant's as long as one of its stacks is being changed to have it, and free when it came to nothing", () => {
    const { acme, rival } = two();
    const wants = [{ deployment: "shop-web", frontends: routes("app.example.com") }];
    acme.reserveAll(wants);
    acme.tell({ kind: "keep", stack: "shop", wants });
    for (const stage of [acme, rival]) stage.nowMs += 3_600_000;
    expect(rival.reserve("web", routes("app.example.com"))).toMatchObject({ code: "ingress.host-taken" });
    expect(answered(acme)).toEqual([]);
    acme.tell({ kind: "keep", stack: "shop", wants: [] });
    expect(rival.reserve("web", routes("app.example.com"))).toBeUndefined();
  });

  it("keeps a whole change from being made, and what else it asked for stays free", () => {
    const { acme, rival } = two();
    acme.serve("shop", routes("app.example.com"));
    const wants = [
      { deployment: "one", frontends: routes("one.example.com") },
      { deployment: "two", frontends: routes("app.example.com") },
    ];
    expect(rival.reserveAll(wants)).toMatchObject({ code: "ingress.host-taken" });
    expect(rival.state.claims).toEqual([]);
    expect(acme.reserve("web", routes("one.example.com"))).toBeUndefined();
  });

  it("does not answer for whoever publishes it all the same, and does once it was given back", () => {
    const { acme, rival, installation } = two();
    acme.serve("shop", routes("app.example.com"));
    rival.serve("web", routes("app.example.com", "web.example.com"));
    expect(answered(rival)).toEqual(["web.example.com"]);
    expect(answered(acme)).toEqual(["app.example.com"]);
    acme.serve("shop", NO_FRONTENDS);
    installation.pass(5_000);
    expect(answered(rival)).toEqual(["app.example.com", "web.example.com"]);
  });

  it("is free again when whoever asked for it never published it", () => {
    const { acme, rival, installation } = two();
    acme.reserve("shop", routes("app.example.com"));
    installation.pass(59_000);
    expect(rival.reserve("web", routes("app.example.com"))).toMatchObject({ code: "ingress.host-taken" });
    installation.pass(1_000);
    expect(rival.reserve("web", routes("app.example.com"))).toBeUndefined();
    installation.pass(60_000);
    expect(installation.state.claims).toEqual([]);
  });
});

describe("a host name of one's own", () => {
  it("answers once the installation has said that it is, and not before", () => {
    const { acme, installation } = two();
    installation.isHeldUp = true;
    acme.serve("shop", routes("app.example.com"));
    expect(answered(acme)).toEqual([]);
    installation.deliver();
    expect(answered(acme)).toEqual(["app.example.com"]);
  });

  it("stays in force while others come and go, and is given back with the last route on it", () => {
    const { acme, installation } = two();
    acme.serve("shop", routes("app.example.com"));
    installation.isHeldUp = true;
    acme.serve("web", routes("web.example.com"));
    acme.serve("blog", { ...NO_FRONTENDS, routes: routes("app.example.com").routes.map((route) => ({ ...route, path: "/blog" })) });
    expect(answered(acme)).toEqual(["app.example.com", "app.example.com"]);
    acme.serve("shop", NO_FRONTENDS);
    installation.deliver();
    expect(installation.taken("rival", ["app.example.com"])).toEqual(["app.example.com"]);
    acme.serve("blog", NO_FRONTENDS);
    installation.deliver();
    expect(installation.taken("rival", ["app.example.com", "web.example.com"])).toEqual(["web.example.com"]);
  });

  it("is not believed to be on an answer to an older question", () => {
    const { acme, rival, installation } = two();
    installation.isHeldUp = true;
    acme.serve("shop", routes("app.example.com"));
    acme.serve("shop", NO_FRONTENDS);
    rival.serve("web", routes("app.example.com"));
    acme.serve("shop", routes("app.example.com"));
    installation.watch = () => expect(answered(acme)).toEqual([]);
    installation.deliver();
    expect(answered(rival)).toEqual(["app.example.com"]);
  });

  it("is refused to other deployments of the tenant with the holder's name, as before", () => {
    const { acme } = two();
    acme.serve("shop", routes("app.example.com"));
    expect(acme.reserve("web", routes("app.example.com"))).toMatchObject({ code: "ingress.route-taken" });
  });
});

describe("many names at once", () => {
  it("are asked for in one message", () => {
    const { acme } = two();
    const hosts = Array.from({ length: 50 }, (_, index) => `h${index}.example.com`);
    const before = acme.sent.length;
    acme.serve("shop", routes(...hosts));
    expect(acme.sent.slice(before).map(({ message }) => (message as { kind: string }).kind)).toEqual(["hold", "want"]);
  });

  it("cannot be kept from others without end by asking again and again", () => {
    const { installation } = two();
    const names = (from: number, count: number): string[] => Array.from({ length: count }, (_, index) => `h${from + index}.example.com`);
    expect(installation.reserve("acme", names(0, 1_500))).toEqual([]);
    expect(installation.tell({ kind: "reserve", tenant: "acme", hosts: names(1_500, 501) })).toMatchObject({
      code: "ingress.too-many-hosts",
    });
  });
});

const HOSTS = ["a.example.com", "b.example.com", "*.example.com", "a.example.org"] as const;
const step = fc.record({
  tenant: fc.constantFrom("acme", "rival"),
  deployment: fc.constantFrom("shop", "web"),
  hosts: fc.uniqueArray(fc.constantFrom(...HOSTS)),
  isReserved: fc.boolean(),
  passMs: fc.constantFrom(0, 500, 61_000),
  delivery: fc.constantFrom("held-up", "delivered"),
});

function meansTheSame(one: string, other: string): boolean {
  const domain = (host: string): string => host.slice(host.indexOf(".") + 1);
  return one === other || ((one.startsWith("*.") || other.startsWith("*.")) && domain(one) === domain(other));
}

describe("whatever two tenants do, in whatever order their messages arrive", () => {
  it("no name answers for both, and in the end all have been given back", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { acme, rival, installation } = two();
        const check = (): void => {
          const clash = answered(acme).filter((host) => answered(rival).some((other) => meansTheSame(host, other)));
          expect(clash).toEqual([]);
        };
        installation.watch = check;
        for (const { tenant, deployment, hosts, isReserved, passMs, delivery } of steps) {
          installation.isHeldUp = delivery === "held-up";
          const stage = tenant === "acme" ? acme : rival;
          if (!isReserved || stage.reserve(deployment, routes(...hosts)) === undefined) stage.serve(deployment, routes(...hosts));
          check();
          if (!installation.isHeldUp) installation.deliver();
          installation.pass(passMs);
          check();
        }
        installation.isHeldUp = false;
        installation.deliver();
        installation.pass(120_000);
        check();
        for (const stage of [acme, rival]) for (const deployment of ["shop", "web"]) stage.serve(deployment, NO_FRONTENDS);
        expect(installation.state).toEqual({ claims: [], standings: {} });
      }),
    );
  });
});
