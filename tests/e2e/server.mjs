// An OpenID-certified authorization server for the end-to-end tests: PKCE required, refresh rotation with reuse
// detection, short lives, a request log, and faults on demand. It listens on a free loopback port and prints its issuer.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const settings = { accessTokenSeconds: Number(process.env.ACCESS_TOKEN_SECONDS ?? 3600) };
const log = [];
const issued = new Set();
const faults = [];

// The stock memory adapter finds and consumes in two steps: here, of several uses of one refresh token exactly one wins.
const storage = new Map();
class SerialAdapter {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload, expiresIn) {
    storage.set(this.key(id), { ...payload, ...(expiresIn && { exp: Math.floor(Date.now() / 1000) + expiresIn }) });
    if (payload.grantId) {
      const grant = `grant:${payload.grantId}`;
      storage.set(grant, [...(storage.get(grant) ?? []), this.key(id)]);
    }
    if (payload.uid) storage.set(`uid:${payload.uid}`, id);
    if (payload.userCode) storage.set(`userCode:${payload.userCode}`, id);
  }
  async find(id) { return storage.get(this.key(id)); }
  async findByUid(uid) { return this.find(storage.get(`uid:${uid}`)); }
  async findByUserCode(code) { return this.find(storage.get(`userCode:${code}`)); }
  async consume(id) {
    const payload = storage.get(this.key(id));
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) { storage.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const key of storage.get(`grant:${grantId}`) ?? []) storage.delete(key);
    storage.delete(`grant:${grantId}`);
  }
}

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    adapter: SerialAdapter,
    clients: [
      {
        client_id: 'app',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
      {
        client_id: 'machine',
        client_secret: 'machine-secret-canary',
        redirect_uris: [],
        grant_types: ['client_credentials'],
        response_types: [],
      },
    ],
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['preferred_username', 'name'], email: ['email'] },
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
    },
    rotateRefreshToken: true,
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    ttl: {
      AccessToken: () => settings.accessTokenSeconds,
      ClientCredentials: () => settings.accessTokenSeconds,
      IdToken: 3600,
      RefreshToken: 86400,
      Session: 86400,
      Grant: 86400,
      Interaction: 600,
    },
    findAccount: async (ctx, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, preferred_username: id, name: `The user ${id}`, email: `${id}@example.com` }),
    }),
    cookies: { keys: ['for tests alone'] },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'token' && ctx.body) {
      for (const member of ['access_token', 'refresh_token', 'id_token']) if (ctx.body[member]) issued.add(ctx.body[member]);
    }
  });
  return provider;
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = makeProvider(issuer);
  const callback = provider.callback();
  const reply = (response, status, value) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  server.on('request', async (request, response) => {
    const url = new URL(request.url, issuer);
    switch (url.pathname) {
      case '/control/log': return reply(response, 200, log);
      case '/control/issued': return reply(response, 200, [...issued]);
      case '/control/set': Object.assign(settings, JSON.parse(await body(request))); return reply(response, 200, settings);
      case '/control/fault': faults.push(JSON.parse(await body(request))); return reply(response, 200, {});
      case '/api': {
        const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
        const found = token && await provider.AccessToken.find(token);
        return found ? reply(response, 200, { hello: found.accountId }) : reply(response, 401, { error: 'invalid_token' });
      }
      default:
    }
    const entry = { method: request.method, path: url.pathname };
    log.push(entry);
    if (url.pathname === '/token') {
      const text = await body(request);
      entry.grant = new URLSearchParams(text).get('grant_type');
      // The body was read for the log: the provider takes it from here.
      request.body = Object.fromEntries(new URLSearchParams(text));
      const fault = faults.shift();
      if (fault?.delay) await new Promise((resolve) => setTimeout(resolve, fault.delay));
      if (fault?.drop) return request.socket.destroy();
      if (fault?.status) return reply(response, fault.status, fault.body ?? {});
    }
    return callback(request, response);
  });
  console.log(issuer);
});
