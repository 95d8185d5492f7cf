// Repositories behind git's own `git http-backend`. `challenge` is the required scheme: "Bearer" or "Basic"; `repositories`
// is their folder; `username` is the required user name for Basic.
import { spawn } from 'node:child_process';

export default async function answer({ request, response, url, body, reply, credential, options, userOf }) {
  const { challenge, repositories, username } = options;
  const fits = credential.scheme === challenge && (challenge === 'Bearer' || !username || credential.username === username);
  const user = fits ? await userOf(credential.token) : undefined;
  if (!user) return reply(401, 'who are you?\n', { 'www-authenticate': `${challenge} realm="repositories"` });
  const backend = spawn(options.git, ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: repositories,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROTOCOL: request.headers['git-protocol'] ?? '',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      REMOTE_USER: user,
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // It may exit before it has read everything.
  backend.stdin.on('error', () => {});
  backend.stdin.end(body);
  const parts = [];
  for await (const part of backend.stdout) parts.push(part);
  const output = Buffer.concat(parts);
  const end = output.indexOf('\r\n\r\n');
  const headers = Object.fromEntries(output.subarray(0, end).toString().split('\r\n').map((line) => line.split(': ')));
  const { Status: status = '200 OK', ...rest } = headers;
  response.writeHead(Number.parseInt(status, 10), rest);
  return response.end(output.subarray(end + 4));
}
