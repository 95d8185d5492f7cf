// A browser without a screen: walks the login and the consent form, and follows the redirect to the end.
const cookies = new Map();
let url = process.argv[2];
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
  return response;
}

let response = await request(url);
for (let step = 0; step < 20; step += 1) {
  const location = response.headers.get('location');
  if (location) {
    url = new URL(location, url).href;
    response = await request(url);
    continue;
  }
  const page = await response.text();
  const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
  if (!action) process.exit(response.ok ? 0 : 1);
  const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1];
  const form = prompt === 'login' ? { prompt, login, password: 'x' } : { prompt };
  url = new URL(action.replaceAll('&amp;', '&'), url).href;
  response = await request(url, form);
}
process.exit(1);
