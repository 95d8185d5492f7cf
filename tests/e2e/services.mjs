// A service that wants tokens of the authorization server, for the programs that authctl serves. It listens on a free
// loopback port, prints where as one line of JSON, and keeps a log of its requests. OPTIONS (JSON) says what it is:
//
//   kind      a file of services/
//   issuer    the authorization server, whose API says who the user of a token is
//   tls       { key, certificate }: files; without, it speaks http
//
// and whatever the kind reads. POST /control/set changes them while it runs; `refused` lists tokens to be turned away.
import http from 'node:http';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const options = { refused: [], ...JSON.parse(process.env.OPTIONS) };
const { default: answer } = await import(`./services/${options.kind}.mjs`);
const keys = createRemoteJWKSet(new URL(`${options.issuer}/jwks`));
const log = [];

// What an Authorization header holds: a token by itself, or as the password of Basic.
function shown(header = '') {
  const [, scheme, value] = /^(\S+) (.+)$/.exec(header) ?? [];
  if (scheme?.toLowerCase() !== 'basic') return { scheme, token: value };
  const [username, ...rest] = Buffer.from(value, 'base64').toString().split(':');
  return { scheme: 'Basic', username, token: rest.join(':') };
}

// Whose access token it is, as the authorization server has it. Each question has a connection of its own: one that was
// kept may just have been closed.
async function userOf(token) {
  // What attackers put in its place cannot be sent on.
  if (!/^[\x21-\x7e]+$/.test(token || '') || options.refused.includes(token)) return undefined;
  const headers = { authorization: `Bearer ${token}` };
  const response = await new Promise((resolve, reject) => {
    http.get(`${options.issuer}/api`, { agent: false, headers }, resolve).on('error', reject);
  });
  const body = await text(response);
  return response.statusCode === 200 ? JSON.parse(body).hello : undefined;
}

// Whose id token it is, by its signature.
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
// Programs ask their helpers while they keep a connection.
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  origin = `${options.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  console.log(JSON.stringify({ origin }));
});
