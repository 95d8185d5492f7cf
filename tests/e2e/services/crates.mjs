// A sparse cargo registry with one crate; everything requires a login: `crate` is { name, version, file, checksum }.
import { readFileSync } from 'node:fs';

export default async function answer({ url, reply, credential, options, origin, userOf }) {
  const { name, version, file, checksum } = options.crate;
  if (!await userOf(credential.scheme === 'Bearer' && credential.token)) {
    return reply(401, 'log in first', { 'www-authenticate': `Cargo login_url="${origin}/me"` });
  }
  switch (url.pathname) {
    case '/index/config.json':
      return reply(200, { dl: `${origin}/crates`, api: origin, 'auth-required': true });
    case `/index/${name.slice(0, 2)}/${name.slice(2, 4)}/${name}`:
      return reply(200, { name, vers: version, deps: [], cksum: checksum, features: {}, yanked: false });
    case `/crates/${name}/${version}/download`:
      return reply(200, readFileSync(file));
    case `/api/v1/crates/${name}/owners`:
      return reply(200, { users: [{ id: 1, login: 'alice', name: 'Alice' }] });
    default:
      return reply(404);
  }
}
