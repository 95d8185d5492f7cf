// Grants that oidc-provider does not have: token exchange (RFC 8693), its relative at Auth0, and JWT bearer assertions
// (RFC 7523). Each checks what a strict server checks.
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { errors } from 'oidc-provider';
import validateDpop from 'oidc-provider/lib/helpers/validate_dpop.js';
import { publicKey } from './keys.mjs';

export const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ASSERTION_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const FEDERATED_GRANT = 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token';
const FEDERATED_TOKEN = 'http://auth0.com/oauth/token-type/federated-connection-access-token';
const TYPE = 'urn:ietf:params:oauth:token-type:';

const refuse = (reason) => { throw new errors.InvalidGrant(reason); };
const want = (fits, reason) => { if (!fits) throw new errors.InvalidRequest(reason); };

// Verifies a JWT with a trusted issuer's keys, and its audience.
async function verifiedJwt(token, trusted, audience) {
  const { iss } = decodeJwt(token);
  if (!trusted.includes(iss)) refuse('its issuer is not trusted');
  const keys = createRemoteJWKSet(new URL(`${iss}/jwks`));
  const { payload } = await jwtVerify(token, keys, { issuer: iss, audience }).catch((error) => refuse(error.message));
  return payload;
}

export function registerGrants(provider, options) {
  const issue = async (ctx, accountId, scope) => {
    const token = new provider.AccessToken({ accountId, client: ctx.oidc.client, gty: 'extension', scope });
    const proof = await validateDpop(provider, ctx);
    if (proof) token.setThumbprint('jkt', proof.thumbprint);
    return { access_token: await token.save(), token_type: token.tokenType, expires_in: token.expiration, ...(scope && { scope }) };
  };

  const subjectOf = async (token, type) => {
    switch (type) {
      case `${TYPE}access_token`: {
        const found = await provider.AccessToken.find(token);
        return found ? found.accountId : refuse('the subject_token has ended');
      }
      case `${TYPE}id_token`:
        return (await verifiedJwt(token, [provider.issuer], 'app')).sub;
      case `${TYPE}jwt`:
        return (await verifiedJwt(token, options.trusted ?? [], provider.issuer)).sub;
      default:
        return refuse('unsupported subject_token_type');
    }
  };

  provider.registerGrantType(EXCHANGE_GRANT, async (ctx) => {
    const { params } = ctx.oidc;
    want(params.subject_token && params.subject_token_type, 'subject_token and subject_token_type are required');
    want(!params.actor_token === !params.actor_token_type, 'actor_token_type comes with an actor_token and only so');
    const subject = await subjectOf(params.subject_token, params.subject_token_type);
    const actor = params.actor_token && await subjectOf(params.actor_token, params.actor_token_type);
    ctx.body = {
      ...await issue(ctx, actor ? `${subject} by ${actor}` : subject, params.scope),
      issued_token_type: params.requested_token_type ?? `${TYPE}access_token`,
    };
  }, ['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type', 'scope', 'audience', 'resource']);

  provider.registerGrantType(FEDERATED_GRANT, async (ctx) => {
    const { params } = ctx.oidc;
    want(ctx.req.isJson, 'this grant takes JSON');
    want(params.subject_token_type === `${TYPE}refresh_token`, 'subject_token_type must be refresh_token');
    want(params.requested_token_type === FEDERATED_TOKEN, 'requested_token_type must be the federated one');
    want(params.connection, 'connection is required');
    const found = await provider.RefreshToken.find(params.subject_token);
    if (!found?.isValid) refuse('the refresh token has ended');
    ctx.body = {
      ...await issue(ctx, `${params.connection}|${params.login_hint ?? found.accountId}`, 'calendar'),
      issued_token_type: FEDERATED_TOKEN,
    };
  }, ['subject_token', 'subject_token_type', 'requested_token_type', 'connection', 'login_hint']);

  provider.registerGrantType(ASSERTION_GRANT, async (ctx) => {
    const { params } = ctx.oidc;
    want(params.assertion, 'assertion is required');
    const { iss } = decodeJwt(params.assertion);
    const file = options.assertionKeys?.[iss] ?? refuse('nobody of that name');
    const { payload } = await jwtVerify(params.assertion, publicKey(file), {
      audience: [provider.issuer, `${provider.issuer}/token`],
      requiredClaims: ['exp', 'iat', 'jti'],
      maxTokenAge: '1h',
    }).catch((error) => refuse(error.message));
    if (!await provider.ReplayDetection.unique(iss, payload.jti, payload.exp)) refuse('the assertion was used already');
    ctx.body = await issue(ctx, payload.sub ?? iss, params.scope ?? payload.scope);
  }, ['assertion', 'scope', 'audience', 'resource']);
}
