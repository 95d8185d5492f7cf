// A service that requires the authorization server's tokens, for the programs that use authctl. It listens on a free
// loopback port, prints it as one line of JSON, and logs its requests. OPTIONS (JSON) configures it:
//
//   kind      a file of services/
//   issuer    the authorization server, whose API returns a token's user
//   tls       { key, certificate }: files; without, it speaks http
//
// and the kind's own options. POST /control/set changes them while it runs; `refused` lists tokens to reject.
import http from 'node:http';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const options = { refused: [], ...JSON.parse(process.env.OPTIONS) };
const { default: answer } = await import(`./services/${options.kind}.mjs`);
const keys = createRemoteJWKSet(new URL(`${options.issuer}/jwks`));
const log = [];

// The token in an Authorization header: a bearer token, or Basic's password.
function shown(header = '') {
  const [, scheme, value] = /^(\S+) (.+)$/.exec(header) ?? [];
  if (scheme?.toLowerCase() !== 'basic') return { scheme, token: value };
  const [username, ...rest] = Buffer.from(value, 'base64').toString().split(':');
  return { scheme: 'Basic', username, token: rest.join(':') };
}

// An access token's user, according to the authorization server. Each request uses its own connection: a kept one may just
// have been closed.
async function userOf(token) {
  // A forged token may contain characters that a header cannot.
  if (!/^[\x21-\x7e]+$/.test(token || '') || options.refused.includes(token)) return undefined;
  const headers = { authorization: `Bearer ${token}` };
  const response = await new Promise((resolve, reject) => {
    http.get(`${options.issuer}/api`, { agent: false, headers }, resolve).on('error', reject);
  });
  const body = await text(response);
  return response.statusCode === 200 ? JSON.parse(body).hello : undefined;
}

// An ID token's user, after its signature is verified.
async function subjectOf(token) {
  if (options.refused.includes(token)) return undefined;
  const verified = jwtVerify(token, keys, { issuer: options.issuer, audience: 'app' });
  return verified.then(({ payload }) => payload.sub, () => undefined);
}

async function handle(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const url = new URL(request.url, origin);
  const reply = (status, content = '', headers = {}) => {
    const isText = typeof content === 'string' || Buffer.isBuffer(content);
    response.writeHead(status, { ...(!isText && { 'content-type': 'application/json' }), ...headers });
    response.end(isText ? content : JSON.stringify(content));
  };
  if (url.pathname === '/control/log') return reply(200, log);
  if (url.pathname === '/control/set') return reply(200, Object.assign(options, JSON.parse(body)));
  const credential = shown(request.headers.authorization);
  const entry = { method: request.method, path: url.pathname, query: url.search, authorization: request.headers.authorization ?? null, ...credential };
  log.push(entry);
  response.on('finish', () => { entry.status = response.statusCode; });
  await answer({ request, response, url, body, reply, credential, options, origin, userOf, subjectOf, entry });
}

const server = options.tls
  ? https.createServer({ key: readFileSync(options.tls.key), cert: readFileSync(options.tls.certificate) })
  : http.createServer();
let origin;
server.on('request', (request, response) => handle(request, response).catch((error) => {
  console.error(error);
  response.destroy();
}));
// Programs keep a connection open while they call their helpers.
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  origin = `${options.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  console.log(JSON.stringify({ origin }));
});
