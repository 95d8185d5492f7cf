// The authorization server's storage. The stock memory adapter finds and consumes in two steps; here exactly one of several
// concurrent uses of a refresh token succeeds.
const storage = new Map();

export class SerialAdapter {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload, expiresIn) {
    storage.set(this.key(id), { ...payload, ...(expiresIn && { exp: Math.floor(Date.now() / 1000) + expiresIn }) });
    if (payload.grantId) {
      const grant = `grant:${payload.grantId}`;
      storage.set(grant, [...(storage.get(grant) ?? []), this.key(id)]);
    }
    if (payload.uid) storage.set(`uid:${payload.uid}`, id);
    if (payload.userCode) storage.set(`userCode:${payload.userCode}`, id);
  }
  async find(id) { return storage.get(this.key(id)); }
  async findByUid(uid) { return this.find(storage.get(`uid:${uid}`)); }
  async findByUserCode(code) { return this.find(storage.get(`userCode:${code}`)); }
  async consume(id) {
    const payload = storage.get(this.key(id));
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) { storage.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const key of storage.get(`grant:${grantId}`) ?? []) storage.delete(key);
    storage.delete(`grant:${grantId}`);
  }
}
