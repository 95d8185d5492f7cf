// A private Terraform module registry (Terraform, "Module Registry Protocol"): `module` is a file, a tar.
import { readFileSync } from 'node:fs';

export default async function answer({ url, reply, credential, options, origin, userOf }) {
  const base = '/modules/corp/tiny/local';
  if (url.pathname === '/.well-known/terraform.json') return reply(200, { 'modules.v1': '/modules/' });
  if (url.pathname === '/module.tar.gz') return reply(200, readFileSync(options.module));
  if (!await userOf(credential.scheme === 'Bearer' && credential.token)) return reply(401, {});
  switch (url.pathname) {
    case `${base}/versions`:
      return reply(200, { modules: [{ versions: [{ version: '1.0.0' }] }] });
    case `${base}/1.0.0/download`:
      return reply(204, '', { 'x-terraform-get': `${origin}/module.tar.gz` });
    default:
      return reply(404, {});
  }
}
