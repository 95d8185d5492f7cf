// A Model Context Protocol server at /mcp (JSON-RPC over streamable HTTP). It accepts the authorization server's JWTs for its
// own audience: `initialize` needs the scope `read`, everything else `write`. Options for its metadata:
//
//   told        `header` (the challenge says where its metadata is), `path` or `root` (RFC 9728's places)
//   challenge   additional parameters for its 401
//   step        the scopes that its 403 names: those of the request, or all
//   scopes      its scopes_supported
//   servers     its authorization servers, if different from the one it trusts
//   resource    its metadata's resource, if different from its own URL
import { createRemoteJWKSet, jwtVerify } from 'jose';

const places = {
  header: '/about-me',
  path: '/.well-known/oauth-protected-resource/mcp',
  root: '/.well-known/oauth-protected-resource',
};

export default async function answer({ url, body, reply, credential, options, origin, entry }) {
  const { issuer, told = 'header', scopes = ['read', 'write'] } = options;
  const resource = `${origin}/mcp`;
  if (url.pathname === places[told]) {
    return reply(200, {
      resource: options.resource ?? (told === 'root' ? origin : resource),
      authorization_servers: options.servers ?? [issuer],
      scopes_supported: scopes,
      resource_name: 'Notes',
      bearer_methods_supported: ['header'],
    });
  }
  if (url.pathname !== '/mcp') return reply(404, {});
  const where = told === 'header' ? [`resource_metadata="${origin}${places.header}"`] : [];
  const challenge = (...more) => ({ 'www-authenticate': `Bearer ${[...where, ...more].join(', ') || 'realm="notes"'}` });
  const audience = told === 'root' ? origin : resource;
  if (credential.scheme !== 'Bearer') return reply(401, {}, challenge(...(options.challenge ?? [])));
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const verified = await jwtVerify(credential.token, keys, { issuer, audience, typ: 'at+jwt' }).catch((error) => {
    entry.refused = error.message;
  });
  if (!verified) return reply(401, {}, challenge('error="invalid_token"'));
  const { id, method } = JSON.parse(body.length ? body : '{}');
  if (!method) return reply(405, {}, { allow: 'POST' });
  const needed = method === 'initialize' ? 'read' : 'write';
  if (!verified.payload.scope?.split(' ').includes(needed)) {
    const named = options.step ?? needed;
    return reply(403, { error: 'insufficient_scope' }, challenge('error="insufficient_scope"', `scope="${named}"`));
  }
  return reply(200, {
    jsonrpc: '2.0',
    id,
    result: { protocolVersion: options.revision, capabilities: {}, serverInfo: { name: 'notes', version: '1' }, user: verified.payload.sub },
  });
}
