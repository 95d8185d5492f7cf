// The predefined clients, and those that a test adds, with keys that the test created.
import { ASSERTION_GRANT, EXCHANGE_GRANT } from './grants.mjs';
import { publicJwk } from './keys.mjs';

const native = {
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://127.0.0.1/callback'],
  response_types: ['code'],
};

const known = [
  {
    ...native,
    client_id: 'app',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    post_logout_redirect_uris: ['http://127.0.0.1/logged-out'],
  },
  {
    client_id: 'machine',
    client_secret: 'machine-secret-canary',
    redirect_uris: [],
    grant_types: ['client_credentials'],
    response_types: [],
  },
  // oidc-provider requires a client in every request, but some grants have none: see server.mjs.
  {
    client_id: 'anybody',
    token_endpoint_auth_method: 'none',
    redirect_uris: [],
    grant_types: [ASSERTION_GRANT, EXCHANGE_GRANT],
    response_types: [],
  },
];

// A test's clients are native apps unless they say otherwise; `keys` are files.
export function clients(brought = []) {
  return [...known, ...brought.map(({ keys, ...client }) => ({
    ...((client.grant_types ?? []).includes('authorization_code')
      ? native
      : { redirect_uris: [], response_types: [] }),
    ...client,
    ...(keys && { jwks: { keys: keys.map(publicJwk) } }),
  }))];
}
