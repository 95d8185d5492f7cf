// AWS's security token service: AssumeRoleWithWebIdentity for the authorization server's ID tokens, GetCallerIdentity for
// the keys that it issued. `seconds` is their lifetime; `trouble` replaces the response.
const given = new Map();

const xml = (name, result) => `<${name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${name}Result>${result}</${name}Result></${name}Response>`;
const error = (code, message) => `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;

const bomb = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "${'b'.repeat(1000)}">${[...'cdefghij'].map((name, at) => `<!ENTITY ${name} "${`&${'bcdefghi'[at]};`.repeat(10)}">`).join('')}]><a>&j;</a>`;

const troubles = {
  denied: (token) => [403, error('AccessDenied', `Not authorized to perform sts:AssumeRoleWithWebIdentity with ${token}`)],
  expired: () => [400, error('ExpiredTokenException', 'Token expired: current date/time must be before the expiration date/time')],
  throttled: () => [400, error('Throttling', 'Rate exceeded')],
  unavailable: () => [503, error('ServiceUnavailable', 'The request has failed')],
  bomb: () => [200, bomb],
  huge: () => [200, `<a>${'x'.repeat(8 << 20)}</a>`],
  nothing: () => [200, xml('AssumeRoleWithWebIdentity', '<Credentials></Credentials>')],
  echo: (token) => [200, `<html>${token}</html>`],
};

export default async function answer({ body, reply, credential, options, subjectOf, entry }) {
  const form = Object.fromEntries(new URLSearchParams(body.toString()));
  const { Action: action, RoleArn: role, RoleSessionName: name, WebIdentityToken: token } = form;
  Object.assign(entry, { action, role, name, token, duration: form.DurationSeconds });
  const send = (status, text) => reply(status, text, { 'content-type': 'text/xml' });
  if (action === 'GetCallerIdentity') {
    const [, id] = /Credential=([^/]+)\//.exec(credential.token ?? '') ?? [];
    const arn = given.get(id);
    if (!arn) return send(403, error('InvalidClientTokenId', 'The security token included in the request is invalid.'));
    return send(200, xml(action, `<Arn>${arn}</Arn><UserId>${id}</UserId><Account>123456789012</Account>`));
  }
  if (action !== 'AssumeRoleWithWebIdentity') return send(400, error('InvalidAction', 'what?'));
  if (options.trouble) return send(...troubles[options.trouble](token));
  const subject = await subjectOf(token);
  if (!subject) return send(400, error('InvalidIdentityToken', 'No OpenIDConnect provider found'));
  const id = `ASIA${String(given.size).padStart(16, '0')}`;
  given.set(id, `arn:aws:sts::123456789012:assumed-role/${subject}/${name}`);
  const end = new Date(Date.now() + (options.seconds ?? Number(form.DurationSeconds)) * 1000).toISOString();
  return send(200, xml(action, `<Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>secret-key-canary-${id}</SecretAccessKey><SessionToken>session-canary-${id}</SessionToken><Expiration>${end}</Expiration></Credentials>`));
}
