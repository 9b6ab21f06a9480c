import type { CertificatesCommand } from "./commands.ts";
import { sealedText, openedText } from "./key-texts.ts";
import { orderSteps } from "./order-steps.ts";
import { readPair } from "./pem.ts";
import type { WorkSurroundings } from "./ports.ts";
import type { Work } from "./work.ts";

/** Does one piece of work and answers with the command that tells of it. Rejects with `AcmeFailure`, or with what the key store said. */
export async function carryOut(work: Work, around: WorkSurroundings): Promise<CertificatesCommand> {
  const { tenant, ports } = around;
  const sealed = ports.sealedOf(tenant);
  switch (work.kind) {
    case "make-authority": {
      const { certificate, key } = await ports.maker.newAuthority(ports.clock.nowMs());
      return { kind: "authority-made", certificate, key: await sealedText(sealed, "certificate-authority", key) };
    }
    case "make-local": {
      const { host, authority } = work;
      const key = await openedText(sealed, authority.key);
      const made = await ports.maker.issueLocal({ certificate: authority.certificate, key }, host, ports.clock.nowMs());
      const read = readPair(made.chain, made.key);
      if (read.kind === "problems") throw new Error(`our own certificate for ${host} is wrong: ${read.problems.join("; ")}`);
      const reference = await sealedText(sealed, `certificate/${host}`, made.key);
      return { kind: "local-made", host, certificate: { ...read.facts, chain: read.chain, key: reference } };
    }
    case "make-account-key": {
      const key = await sealedText(sealed, "acme-account", await ports.maker.newKey());
      return { kind: "account-key-made", directoryUrl: work.settings.directoryUrl, key };
    }
    case "register-account": {
      const { directoryUrl, trustedRoots, email } = work.settings;
      const key = await openedText(sealed, work.account.key);
      around.say("waiting for the authority to register the account");
      const url = await ports.authority.register({ directoryUrl, trustedRoots, key, signal: around.signal }, email);
      return { kind: "account-registered", directoryUrl, url };
    }
    case "order": {
      const { host, order, account } = work;
      const key = await openedText(sealed, account.key);
      const { directoryUrl, trustedRoots } = account.settings;
      const session = { directoryUrl, trustedRoots, key, accountUrl: account.url, signal: around.signal };
      return { kind: "order-news", host, id: order.id, news: await orderSteps(order.at, { ...around, host, session, sealed }) };
    }
  }
}
