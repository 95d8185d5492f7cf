// A container image registry with one manifest, and the token service that it directs clients to (the distribution
// project's "Token Authentication Specification"). `challenge` "Basic" does not use the service.
import { createHash, randomUUID } from 'node:crypto';

const sessions = new Set();
const config = JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } });
const digest = `sha256:${createHash('sha256').update(config).digest('hex')}`;
const manifest = {
  schemaVersion: 2,
  mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: config.length, digest },
  layers: [],
};

function session() {
  const token = randomUUID();
  sessions.add(token);
  return { token, access_token: token, expires_in: 60 };
}

export default async function answer({ request, response, url, body, reply, credential, options, origin, userOf, entry }) {
  if (url.pathname === '/token') {
    if (request.method === 'POST') {
      // An identity token goes into the form.
      const form = new URLSearchParams(body.toString());
      Object.assign(entry, { grant: form.get('grant_type'), token: form.get('refresh_token') });
      return await userOf(form.get('refresh_token')) ? reply(200, session()) : reply(401, {});
    }
    const fits = credential.scheme === 'Basic' && credential.username === 'oauth2accesstoken';
    return fits && await userOf(credential.token) ? reply(200, session()) : reply(401, {});
  }
  // Clients until docker 23 look for it.
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  const isBasic = options.challenge === 'Basic';
  const fits = isBasic
    ? credential.scheme === 'Basic' && await userOf(credential.token)
    : credential.scheme === 'Bearer' && sessions.has(credential.token);
  if (!fits) {
    const challenge = isBasic ? 'Basic realm="images"' : `Bearer realm="${origin}/token",service="images"`;
    return reply(401, { errors: [{ code: 'UNAUTHORIZED' }] }, { 'www-authenticate': challenge });
  }
  if (url.pathname === '/v2/') return reply(200, {});
  if (url.pathname.includes('/manifests/')) return reply(200, JSON.stringify(manifest), { 'content-type': manifest.mediaType });
  if (url.pathname.includes('/blobs/')) return reply(200, config);
  return reply(404, {});
}
