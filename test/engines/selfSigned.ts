// A certificate that nobody vouches for, made anew each time: an X.509 certificate of the first version in DER, signed by its own key.
import { generateKeyPairSync, sign } from 'node:crypto';

const TAGS = { integer: 0x02, bits: 0x03, oid: 0x06, utf8: 0x0c, time: 0x17, sequence: 0x30, set: 0x31 } as const;
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2, and commonName, 2.5.4.3. */
const ECDSA_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];

/** A key and its certificate in PEM, for a server of `node:https` at this name. */
export function selfSigned(name: string): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der('sequence', der('oid', ECDSA_SHA256));
  const named = der('sequence', der('set', der('sequence', der('oid', COMMON_NAME), der('utf8', Buffer.from(name)))));
  const valid = der('sequence', der('time', Buffer.from('200101000000Z')), der('time', Buffer.from('491231235959Z')));
  const own = publicKey.export({ type: 'spki', format: 'der' });
  const body = der('sequence', der('integer', [1]), algorithm, named, valid, named, own);
  const signed = der('sequence', body, algorithm, der('bits', [0], sign('sha256', body, privateKey)));
  const lines = signed.toString('base64').replaceAll(/.{64}/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

function der(tag: keyof typeof TAGS, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([TAGS[tag], ...(length < 0x80 ? [length] : long)]), content]);
}
