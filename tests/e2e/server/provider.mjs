// npm oidc-provider for the tests: always with PKCE and rotation, everything else depends on the test's options.
import { randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { clients } from './clients.mjs';
import { registerGrants } from './grants.mjs';
import { compareStrictly, fetchAnywhere, registrationFeatures } from './registrations.mjs';
import { SerialAdapter } from './storage.mjs';

// jose's names for the signature algorithms of RSA, EC and Ed25519 keys and of a shared secret.
const algorithms = ['HS256', 'RS256', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'EdDSA'];

// RFC 8705: the TLS connection's certificate.
const mTLS = {
  enabled: true,
  certificateBoundAccessTokens: true,
  tlsClientAuth: true,
  selfSignedTlsClientAuth: true,
  getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  certificateSubjectMatches: (ctx, property, expected) => {
    const { subject, subjectAltName } = ctx.socket.getPeerX509Certificate();
    return property === 'tls_client_auth_san_dns'
      ? subjectAltName?.split(', ').includes(`DNS:${expected}`)
      : subject.split('\n').join(',') === expected;
  },
};

export function makeProvider(issuer, { options, settings, issued, registered, asked, aliases }) {
  const provider = new Provider(issuer, {
    adapter: SerialAdapter,
    clients: clients(options.clients),
    clientAuthMethods: [
      'none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
      ...(options.tls ? ['tls_client_auth', 'self_signed_tls_client_auth'] : []),
    ],
    enabledJWA: { clientAuthSigningAlgValues: algorithms, requestObjectSigningAlgValues: algorithms },
    // Tokens expire exactly: this is one machine with one clock.
    clockTolerance: 0,
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['preferred_username', 'name'], email: ['email'] },
    conformIdTokenClaims: false,
    fetch: fetchAnywhere,
    ...(aliases && { discovery: { mtls_endpoint_aliases: aliases } }),
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      deviceFlow: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: options.requirePar ?? false },
      requestObjects: { enabled: true, requireSignedRequestObject: options.requireJar ?? false },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => options.requireNonce ?? false },
      ...(options.tls && { mTLS }),
      ...registrationFeatures(options),
      resourceIndicators: {
        enabled: true,
        // A token is for one resource: the first one requested.
        defaultResource: (ctx, client, oneOf) => oneOf?.[0],
        getResourceServerInfo: (ctx, resource) => ({
          scope: 'read write', audience: resource, accessTokenTTL: settings.accessTokenSeconds, accessTokenFormat: 'jwt',
        }),
      },
      ciba: {
        enabled: true,
        deliveryModes: ['poll'],
        processLoginHint: (ctx, hint) => hint,
        validateRequestContext: () => {},
        verifyUserCode: () => {},
        triggerAuthenticationDevice: (ctx, request, account) => {
          asked.push({ request, user: account.accountId, message: ctx.oidc.params.binding_message });
        },
      },
    },
    rotateRefreshToken: true,
    // A request for offline access without the prompt `consent` gets none (OpenID Connect Core section 11).
    issueRefreshToken: async (ctx, client, source) => client.grantTypeAllowed('refresh_token')
      && (!options.strictOffline || source.scopes.has('offline_access')),
    ttl: {
      AccessToken: () => settings.accessTokenSeconds,
      ClientCredentials: () => settings.accessTokenSeconds,
      BackchannelAuthenticationRequest: 600,
      DeviceCode: 600,
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
  registerGrants(provider, options);
  if (options.strictRedirect) compareStrictly(provider);
  provider.use(async (ctx, next) => {
    await next();
    const route = ctx.oidc?.route;
    if (route === 'token' && ctx.body) {
      for (const member of ['access_token', 'refresh_token', 'id_token']) if (ctx.body[member]) issued.add(ctx.body[member]);
    }
    if (ctx.body?.registration_access_token) {
      const { client_id: id, registration_client_uri: uri, registration_access_token: token } = ctx.body;
      issued.add(token);
      registered.push({ id, uri, token, metadata: ctx.oidc.body });
    }
    if (route === 'discovery') for (const member of settings.hides ?? []) delete ctx.body[member];
    // oidc-provider omits the interval, which means 5 seconds (RFC 8628 section 3.2).
    if (['device_authorization', 'backchannel_authentication'].includes(route) && options.interval && ctx.status === 200) {
      ctx.body.interval = options.interval;
    }
  });
  return provider;
}

// The user approves a backchannel authentication request on a device known to the server.
export async function approve(provider, { request }) {
  const grant = new provider.Grant({ clientId: request.clientId, accountId: request.accountId });
  grant.addOIDCScope(request.scope);
  await grant.save();
  await provider.backchannelResult(request, grant);
}
