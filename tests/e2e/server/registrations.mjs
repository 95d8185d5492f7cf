// Clients without configuration: they register themselves (RFC 7591, RFC 7592), or publish a document at the URL that is
// their client ID (draft-ietf-oauth-client-id-metadata-document).

export function registrationFeatures({ registers, documents }) {
  return {
    registration: { enabled: Boolean(registers) },
    registrationManagement: { enabled: Boolean(registers), rotateRegistrationAccessToken: registers?.rotates ?? false },
    clientIdMetadataDocument: { enabled: documents ?? false, ack: 'draft-02' },
  };
}

// The stock fetch refuses loopback addresses, but the tests' documents are there.
export const fetchAnywhere = (url, { dispatcher, ...request }) => fetch(url, request);

// Servers that compare a redirect URI to the letter, port and all, which RFC 8252 section 7.3 rules out.
export function compareStrictly(provider) {
  const { prototype } = provider.Client;
  prototype.redirectUriAllowed = function redirectUriAllowed(value) { return this.redirectUris.includes(value); };
}
