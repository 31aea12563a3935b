// A provider of OpenID Connect that nobody here wrote (npm oidc-provider), with accounts that sign in by themselves.
// provider.mjs NODE_MODULES CERTIFICATE KEY: prints its port, ends with its standard input.
//
// The account is the login_hint, or «ada». «refuses» says no; «unverified» has an address that is not verified.
// POST /judge/rotate changes every key; GET /judge/huge is a megabyte.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';

// Its standard output is for the port alone.
console.log = console.info = console.error;

const [modules, certificate, key] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`).href);

const REDIRECT = 'https://app.test/callback';
const SECRET = 'judge: secret & more';

const client = (client_id, more) => ({ client_id, client_secret: SECRET, redirect_uris: [REDIRECT], ...more });
const clients = [
  client('rs256', {}),
  client('ps256', { id_token_signed_response_alg: 'PS256' }),
  client('es256', { id_token_signed_response_alg: 'ES256' }),
  client('eddsa', { id_token_signed_response_alg: 'EdDSA' }),
  client('hs256', { id_token_signed_response_alg: 'HS256' }),
  client('public', { token_endpoint_auth_method: 'none', client_secret: undefined }),
];

let generation = 0;

function keys() {
  generation += 1;
  const pairs = [
    ['rsa', { modulusLength: 2048 }],
    ['ec', { namedCurve: 'P-256' }],
    ['ed25519', {}],
  ];
  return pairs.map(([type, options]) => ({
    ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
    kid: `${type}-${generation}`,
    use: 'sig',
  }));
}

function provider(issuer) {
  const made = new Provider(issuer, {
    clients,
    jwks: { keys: keys() },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    features: { devInteractions: { enabled: false } },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'] },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@judge.example`,
        email_verified: id !== 'unverified',
        name: `Judge of ${id}`,
      }),
    }),
  });
  made.on('server_error', (_, error) => console.error(error));
  return made;
}

/** What a person would do on the pages of the provider. */
async function interact(current, request, response) {
  const { params, prompt, session, grantId } = await current.interactionDetails(request, response);
  const accountId = session?.accountId ?? params.login_hint ?? 'ada';
  if (accountId === 'refuses') {
    return current.interactionFinished(request, response, { error: 'access_denied' });
  }
  if (prompt.name === 'login') {
    return current.interactionFinished(request, response, { login: { accountId } });
  }
  const grant = grantId ? await current.Grant.find(grantId) : new current.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope('openid email profile');
  return current.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

let current;
const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, async (request, response) => {
  try {
    if (request.url === '/judge/rotate') {
      current = provider(`https://localhost:${server.address().port}`);
      response.end();
    } else if (request.url === '/judge/huge') {
      response.end('x'.repeat(1 << 20));
    } else if (request.url.startsWith('/interaction/')) {
      await interact(current, request, response);
    } else {
      await current.callback()(request, response);
    }
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  current = provider(`https://localhost:${port}`);
  process.stdout.write(`${port}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
