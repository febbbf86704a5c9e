// A certified OpenID provider with its own log-in page for developers: whatever name is typed in is who has logged in.
// Its one argument is JSON: port, client_id, client_secret, redirect_uris.
import Provider from "oidc-provider";
import { generateKeyPairSync } from "node:crypto";

const { port, client_id, client_secret, redirect_uris } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const provider = new Provider(issuer, {
  clients: [{ client_id, client_secret, redirect_uris, token_endpoint_auth_method: "client_secret_basic" }],
  jwks: { keys: [{ ...key, use: "sig", alg: "RS256", kid: "of the provider" }] },
  cookies: { keys: ["for the tests"] },
  pkce: { required: () => true, methods: ["S256"] },
  claims: { openid: ["sub"], email: ["email"] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.org` }) }),
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
