// A headless browser: submits login, consent, device and logout forms, and follows redirects to the end. The second
// argument is the user code for a device page. With DENY the user declines; COOKIES is a file that keeps the cookies between
// runs; ISS replaces the `iss` that the server returns with a code, or removes it if empty.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const jar = process.env.COOKIES;
const cookies = new Map(jar && existsSync(jar) ? JSON.parse(readFileSync(jar, 'utf8')) : []);
let url = process.argv[2];
const userCode = process.argv[3];
const login = process.env.LOGIN_AS ?? 'alice';

async function request(target, form) {
  const response = await fetch(target, {
    method: form ? 'POST' : 'GET',
    redirect: 'manual',
    headers: {
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body: form && new URLSearchParams(form),
  });
  for (const cookie of response.headers.getSetCookie()) {
    const [name, value] = cookie.split(';')[0].split('=');
    cookies.set(name, value);
  }
  if (jar) writeFileSync(jar, JSON.stringify([...cookies]));
  return response;
}

// A form as the user submits it: its hidden fields, and the answers.
function filled(page) {
  const form = {};
  for (const [input] of page.matchAll(/<input[^>]*>/g)) {
    const attribute = (name) => new RegExp(`\\b${name}="([^"]*)"`).exec(input)?.[1];
    if (attribute('name')) form[attribute('name')] = attribute('value') ?? '';
  }
  if ('login' in form) Object.assign(form, { login, password: 'x' });
  if ('user_code' in form) form.user_code ||= userCode;
  if (/<button[^>]*name="logout"/.test(page)) form.logout = 'yes';
  return form;
}

// A response as another server, or an attacker, changes it.
function answered(target) {
  if (process.env.ISS === undefined || !target.searchParams.has('code')) return target;
  if (process.env.ISS) target.searchParams.set('iss', process.env.ISS);
  else target.searchParams.delete('iss');
  return target;
}

let response = await request(url);
for (let step = 0; step < 20; step += 1) {
  const location = response.headers.get('location');
  if (location) {
    url = answered(new URL(location, url)).href;
    response = await request(url);
    continue;
  }
  const page = await response.text();
  const cancel = process.env.DENY && /<a href="([^"]+)">\[ Cancel \]/.exec(page)?.[1];
  if (cancel) {
    url = new URL(cancel, url).href;
    response = await request(url);
    continue;
  }
  const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
  if (!action) process.exit(response.ok ? 0 : 1);
  url = new URL(action.replaceAll('&amp;', '&'), url).href;
  response = await request(url, filled(page));
}
process.exit(1);
