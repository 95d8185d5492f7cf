// A host that serves `documents` by path.
export default function answer({ url, reply, options }) {
  const document = options.documents?.[url.pathname];
  return document ? reply(200, document) : reply(404, {});
}
