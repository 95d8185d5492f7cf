// An index of Python packages with one wheel, which requires a login: `wheel` is { name, file }.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

export default async function answer({ url, reply, credential, options, userOf }) {
  const { name, file } = options.wheel;
  const user = credential.scheme === 'Basic' && await userOf(credential.token);
  if (!user) return reply(401, '', { 'www-authenticate': 'Basic realm="wheels"' });
  const path = `/files/${basename(file)}`;
  switch (url.pathname) {
    case `/simple/${name}/`:
      return reply(200, `<!DOCTYPE html><a href="${path}">${basename(file)}</a>`, { 'content-type': 'text/html' });
    case path:
      return reply(200, readFileSync(file), { 'content-type': 'application/octet-stream' });
    default:
      return reply(404);
  }
}
