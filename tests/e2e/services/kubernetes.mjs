// The part of a cluster's API that `kubectl get namespaces` calls. It accepts ID tokens.
const resources = [{ name: 'namespaces', singularName: 'namespace', namespaced: false, kind: 'Namespace', verbs: ['get', 'list'] }];

export default async function answer({ url, reply, credential, subjectOf }) {
  const user = credential.scheme === 'Bearer' && await subjectOf(credential.token);
  if (!user) return reply(401, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Unauthorized', code: 401 });
  switch (url.pathname) {
    case '/api':
      return reply(200, { kind: 'APIVersions', versions: ['v1'] });
    case '/apis':
      return reply(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [] });
    case '/api/v1':
      return reply(200, { kind: 'APIResourceList', groupVersion: 'v1', resources });
    case '/api/v1/namespaces': {
      const items = [{ kind: 'Namespace', apiVersion: 'v1', metadata: { name: `of-${user}` } }];
      return reply(200, { kind: 'NamespaceList', apiVersion: 'v1', metadata: {}, items });
    }
    default:
      return reply(404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 });
  }
}
