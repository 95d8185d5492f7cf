// The public half of a key file: a private or public PEM, a certificate, or a JWK.
import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

const read = (file) => {
  const text = readFileSync(file, 'utf8');
  return text.startsWith('{') ? { jwk: JSON.parse(text) } : { pem: text };
};

export function publicKey(file) {
  const { jwk, pem } = read(file);
  return createPublicKey(jwk ? { key: jwk, format: 'jwk' } : pem);
}

// As a JWK, with the identifier that a client registers it by.
export function publicJwk({ file, kid }) {
  const { jwk, pem } = read(file);
  const x5c = pem?.includes('CERTIFICATE') && { x5c: [new X509Certificate(pem).raw.toString('base64')] };
  return { ...publicKey(file).export({ format: 'jwk' }), ...x5c, ...(kid && { kid }) };
}
