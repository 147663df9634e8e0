/**
 * Base 64 as the C2SP formats use it (RFC 4648, section 4), padded and canonical, so that no other text stands for
 * the same bytes. Undefined for anything else.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
