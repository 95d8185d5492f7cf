// Other services: an API that accepts the authorization server's tokens (bound ones with a proof), and GitHub's endpoint
// for a workflow's jobs.
import { createHash, randomUUID } from 'node:crypto';
import { EmbeddedJWK, SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair, jwtVerify } from 'jose';

const hash = (bytes) => createHash('sha256').update(bytes).digest('base64url');

// The used proofs: each is valid once (RFC 9449 section 11.1).
const used = new Set();

// RFC 9449 section 7.1: returns why a proof does not match the request, or nothing.
async function misfit(request, origin, token, found) {
  const proof = await jwtVerify(request.headers.dpop ?? '', EmbeddedJWK, { typ: 'dpop+jwt' }).catch(() => undefined);
  if (!proof) return 'no proof that can be verified';
  const { payload, protectedHeader: { jwk } } = proof;
  const checks = {
    htm: payload.htm === request.method,
    htu: payload.htu === new URL(request.url, origin).href.replace(/[?#].*/, ''),
    iat: Math.abs(Date.now() / 1000 - payload.iat) < 60,
    ath: payload.ath === hash(token),
    jti: !used.has(payload.jti),
    jkt: await calculateJwkThumbprint(jwk) === found.jkt,
    d: jwk.d === undefined,
  };
  used.add(payload.jti);
  return { wrong: Object.keys(checks).filter((name) => !checks[name]), nonce: payload.nonce };
}

// Returns a token's user to anyone who may use the token.
export async function api(provider, origin, settings, request) {
  const [, scheme, token] = /^(Bearer|DPoP) (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const found = token && await provider.AccessToken.find(token);
  const refuse = (challenge, headers = {}) => ({
    status: 401, body: { error: challenge }, headers: { 'www-authenticate': challenge, ...headers },
  });
  if (!found) return refuse('Bearer error="invalid_token"');
  const bound = found.jkt ? 'dpop' : 'bearer';
  if (scheme.toLowerCase() !== bound) return refuse('DPoP error="invalid_token", error_description="wrong scheme"');
  if (found.jkt) {
    const { wrong, nonce } = await misfit(request, origin, token, found);
    if (!wrong || wrong.length > 0) return refuse(`DPoP error="invalid_dpop_proof", error_description="${wrong}"`);
    if (settings.apiNonce && nonce !== settings.apiNonce) {
      return refuse('DPoP error="use_dpop_nonce"', { 'dpop-nonce': settings.apiNonce });
    }
  }
  const certificate = request.socket.getPeerX509Certificate?.();
  if (found['x5t#S256'] && found['x5t#S256'] !== (certificate && hash(certificate.raw))) {
    return refuse('Bearer error="invalid_token", error_description="another certificate"');
  }
  return { status: 200, body: { hello: found.accountId } };
}

const keys = await generateKeyPair('RS256');

// GitHub's endpoint for a job's token: it requires the request token, with `bearer` in any case, and keeps the query.
export async function actionsToken(issuer, settings, request, url) {
  const [, token] = /^bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!token || token !== settings.actionsRequestToken || url.searchParams.get('api-version') !== '2.0') {
    return { status: 401, body: { message: 'Unauthorized' } };
  }
  const value = await new SignJWT({ repository: 'octo/app', ref: 'refs/heads/main' })
    .setProtectedHeader({ alg: 'RS256', kid: 'actions', typ: 'JWT' })
    .setIssuer(`${issuer}/actions`)
    .setSubject(settings.actionsSubject ?? 'repo:octo/app:ref:refs/heads/main')
    .setAudience(url.searchParams.get('audience') ?? 'https://github.com/octo')
    .setIssuedAt()
    .setExpirationTime('5m')
    .setJti(randomUUID())
    .sign(keys.privateKey);
  return { status: 200, body: { count: value.length, value } };
}

export async function actionsKeys() {
  return { status: 200, body: { keys: [{ ...await exportJWK(keys.publicKey), kid: 'actions', alg: 'RS256' }] } };
}
