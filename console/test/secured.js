// A drmhub that asks for identities, with the twin of one vendor, and an identity provider for
// people.
import { execFileSync } from "node:child_process";
import { createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program, run } from "./harness.js";

/**
 * Starts a drmhub in mode jwt. It returns its URL, the admin path of its twin, a function that
 * signs tokens, and, with oidc, the identity provider.
 */
export async function secured(t, { oidc = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "console-"));
  const key = join(folder, "k.pem");
  execFileSync(program, ["keygen", "--out", key]);
  const emulated = await run(t, ["emulate", "pallycon", "--listen", "127.0.0.1:0"], (lines) => lines.length === 1);
  const [, base, twin] = emulated.lines[0].match(/listens on (\S+); its admin path is (\S+)/);
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const url = `http://127.0.0.1:${port}`;
  const provider = oidc ? await identityProvider(t, `${url}/console/callback`) : null;
  const file = join(folder, "drmhub.yaml");
  writeFileSync(file, `
auth:
  mode: jwt
  issuer: "${provider?.issuer ?? "https://id.example"}"
  audience: drmhub
  keys:
    - {kid: k, alg: EdDSA, public_key: {file: "${key.replace(".pem", ".pub.pem")}"}}
${provider ? `    - {jwks_url: "${provider.issuer}/jwks"}
  oidc: {client_id: drmhub-console, client_secret: {env: OIDC_SECRET}, redirect_url: "${url}/console/callback"}` : ""}
grpc: {listen: "127.0.0.1:0"}
http: {listen: "127.0.0.1:${port}"}
store: {dsn: "sqlite:${join(folder, "drmhub.db")}"}
archive: {enabled: true, dsn: "sqlite:${join(folder, "archive.db")}"}
vendors:
  - id: acme
    pallycon: {base_url: "${base}", license_base_url: "${base}", account_id: sandbox, account_seq: "1", service_api_key: {env: API_KEY}}
`);
  await run(t, ["--config", file], (lines) => lines.some((l) => l.includes("drmhub is ready")), {
    OIDC_SECRET: "secret",
    API_KEY: "sandbox-service-api-key",
  });
  const token = (...flags) =>
    execFileSync(program, ["token", "--key", key, "--kid", "k", "--config", file, "--subject", "ops", "--for", "1h", ...flags], { encoding: "utf8" }).trim();
  t.after(() => rmSync(folder, { recursive: true, force: true })); // Last, since what runs needs it.
  return { url, twin, token, provider };
}

/** Starts an identity provider that knows one person, whose roles a test sets. */
async function identityProvider(t, redirectURL) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = { issuer: "", roles: ["admin"], seconds: 3600, logins: 0 };
  const codes = new Map();
  const part = (o) => Buffer.from(JSON.stringify(o)).toString("base64url");
  const idToken = (nonce) => {
    const now = Math.floor(Date.now() / 1000);
    const head = part({ alg: "RS256", kid: "p" });
    const claims = { iss: provider.issuer, aud: "drmhub-console", sub: "alice", nonce, iat: now, exp: now + provider.seconds, roles: provider.roles };
    const text = `${head}.${part(claims)}`;
    return `${text}.${createSign("RSA-SHA256").update(text).sign(privateKey, "base64url")}`;
  };
  const server = createServer((request, response) => {
    const at = new URL(request.url, provider.issuer);
    const json = (body) => response.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
    const { issuer } = provider;
    switch (at.pathname) {
      case "/.well-known/openid-configuration":
        return json({
          issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`,
          id_token_signing_alg_values_supported: ["RS256"], response_types_supported: ["code"], subject_types_supported: ["public"],
        });
      case "/jwks":
        return json({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "p", alg: "RS256", use: "sig" }] });
      case "/authorize": {
        provider.logins++;
        const code = randomUUID();
        codes.set(code, at.searchParams.get("nonce"));
        const to = new URL(redirectURL);
        to.searchParams.set("code", code);
        to.searchParams.set("state", at.searchParams.get("state"));
        return response.writeHead(302, { Location: to.href }).end();
      }
      case "/token": {
        let body = "";
        request.on("data", (chunk) => (body += chunk));
        request.on("end", () => {
          const nonce = codes.get(new URLSearchParams(body).get("code"));
          json({ access_token: "unused", token_type: "Bearer", id_token: idToken(nonce) });
        });
        return undefined;
      }
      default:
        return response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  provider.issuer = `http://127.0.0.1:${server.address().port}`;
  return provider;
}
