// An OpenID-certified authorization server for the end-to-end tests, with an API beside it, a request log, and faults on
// demand. It listens on free loopback ports and prints them as one line of JSON. OPTIONS (JSON) configures it:
//
//   accessTokenSeconds, interval          lifetimes, the polling interval
//   requirePar, requireJar, requireNonce  what it requires
//   clients                               additional clients; `keys` are files
//   registers { rotates }, documents      which clients it accepts without configuration
//   strictRedirect, strictOffline         exact redirect URIs, refresh tokens only as OpenID Connect says
//   assertionKeys, trusted                the keys and issuers of assertions and JWTs that it accepts
//   tls { key, certificate, authority }   files: a second listener that asks for certificates
//   secure                                the issuer is the TLS listener; otherwise that has only RFC 8705's aliases
//
// POST /control/set { hides } leaves members out of its metadata.
// POST /control/withdraw revokes an access token, and nothing else of its login.
// POST /control/fault affects the next token request: { hold } delays it until POST /control/release, { delay } by this many
// milliseconds; then { drop } closes the connection and { status, body } responds, both before the server acts on it.
import http from 'node:http';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { decodeProtectedHeader, decodeJwt } from 'jose';
import { actionsKeys, actionsToken, api } from './server/apis.mjs';
import { ASSERTION_GRANT, EXCHANGE_GRANT } from './server/grants.mjs';
import { approve, makeProvider } from './server/provider.mjs';

const options = JSON.parse(process.env.OPTIONS ?? '{}');
const settings = { accessTokenSeconds: options.accessTokenSeconds ?? 3600 };
const [log, issued, registered, faults, held, asked] = [[], new Set(), [], [], [], []];

const listen = (server) => new Promise((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${server.address().port}`));
});

const plain = http.createServer();
const origins = { plain: `http://${await listen(plain)}` };
let secure;
if (options.tls) {
  const [key, cert, ca] = ['key', 'certificate', 'authority'].map((name) => readFileSync(options.tls[name]));
  // The authorization server, not TLS, decides whether to accept a certificate.
  secure = https.createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false });
  origins.secure = `https://${await listen(secure)}`;
}
const issuer = options.secure ? origins.secure : origins.plain;
const aliases = origins.secure && !options.secure && Object.fromEntries(Object.entries({
  token_endpoint: '/token',
  revocation_endpoint: '/token/revocation',
  introspection_endpoint: '/token/introspection',
  pushed_authorization_request_endpoint: '/request',
  device_authorization_endpoint: '/device/auth',
  userinfo_endpoint: '/me',
}).map(([name, path]) => [name, origins.secure + path]));

const provider = makeProvider(issuer, { options, settings, issued, registered, asked, aliases });
const callback = provider.callback();

async function text(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

// The tests' control interface.
async function control(name, request) {
  const value = request.method === 'POST' ? JSON.parse(await text(request) || '{}') : undefined;
  switch (name) {
    case 'log': return log;
    case 'clear': return log.splice(0);
    case 'issued': return [...issued];
    case 'registered': return registered;
    case 'set': return Object.assign(settings, value);
    case 'fault': return faults.push(value);
    case 'release': return held.splice(0).map((release) => release()).length;
    case 'asked': return asked.map(({ user, message }) => ({ user, message }));
    case 'withdraw': return provider.AccessToken.find(value.token).then((token) => token.destroy()).then(() => true);
    case 'approve': return approve(provider, asked.shift()).then(() => true);
    default: return null;
  }
}

// A request for the log: JWTs appear as header and claims.
function shown(parameters, headers) {
  const opened = (jwt) => ({ header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) });
  const found = {};
  for (const name of ['client_assertion', 'assertion', 'request']) if (parameters[name]) found[name] = opened(parameters[name]);
  if (headers.dpop) found.dpop = opened(headers.dpop);
  if (headers.authorization) found.authorization = headers.authorization.split(' ')[0];
  return found;
}

// Reads the body of a POST for the log; oidc-provider takes it from `request.body`. JSON is converted to a form.
async function readForm(request, entry) {
  const body = await text(request);
  request.isJson = (request.headers['content-type'] ?? '').startsWith('application/json');
  const fields = request.isJson ? Object.entries(JSON.parse(body)) : [...new URLSearchParams(body)];
  const parameters = {};
  for (const [name, value] of fields) {
    parameters[name] = name in parameters ? [parameters[name], value].flat() : value;
  }
  request.headers['content-type'] = 'application/x-www-form-urlencoded';
  Object.assign(entry, { grant: parameters.grant_type, json: request.isJson, parameters, ...shown(parameters, request.headers) });
  request.body = { ...parameters };
  // A grant without a client: oidc-provider requires one.
  const namesClient = 'client_id' in parameters || 'client_assertion' in parameters || 'authorization' in request.headers;
  if ([ASSERTION_GRANT, EXCHANGE_GRANT].includes(parameters.grant_type) && !namesClient) request.body.client_id = 'anybody';
}

async function handle(origin, request, response) {
  const reply = (status, value, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };
  const url = new URL(request.url, origin);
  if (url.pathname.startsWith('/control/')) return reply(200, await control(url.pathname.slice(9), request));
  const entry = { at: Date.now(), origin, method: request.method, path: url.pathname };
  const answer = async () => {
    switch (url.pathname) {
      case '/api': return api(provider, origin, settings, request);
      case '/actions-token': return actionsToken(issuer, settings, request, url);
      case '/actions/jwks': return actionsKeys();
      default: return undefined;
    }
  };
  const own = await answer();
  if (own) return reply(own.status, own.body, own.headers);
  log.push(entry);
  if (url.pathname === '/auth') {
    const parameters = Object.fromEntries(url.searchParams);
    Object.assign(entry, { parameters, ...shown(parameters, {}) });
  }
  if (request.method === 'POST' && ['/token', '/request', '/device/auth', '/backchannel'].includes(url.pathname)) {
    await readForm(request, entry);
  }
  if (url.pathname === '/token') {
    const fault = faults.shift();
    if (fault?.hold) await new Promise((resolve) => held.push(resolve));
    if (fault?.delay) await new Promise((resolve) => setTimeout(resolve, fault.delay));
    if (fault?.drop) return request.socket.destroy();
    if (fault?.status) return reply(fault.status, fault.body ?? {});
  }
  response.on('finish', () => { entry.status = response.statusCode; });
  return callback(request, response);
}

plain.on('request', (request, response) => handle(origins.plain, request, response));
secure?.on('request', (request, response) => handle(origins.secure, request, response));
console.log(JSON.stringify({ issuer, ...origins }));
