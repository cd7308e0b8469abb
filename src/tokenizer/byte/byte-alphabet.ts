/**
 * GPT-2's way to write bytes as printable characters: printable Latin-1 bytes stand for themselves, the
 * others for code points from 256 on (`bytes_to_unicode` in github.com/openai/gpt-2).
 */

function isPrintable(byte: number): boolean {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

/** Character of each byte, 256 of them. */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPrintable(byte) ? byte : next++),
  );
}

/** The UTF-8 bytes of a text, each as its character. */
export function toByteCharacters(text: string): string[] {
  return Array.from(Buffer.from(text, 'utf8'), (byte) => BYTE_CHARACTERS[byte]!);
}
