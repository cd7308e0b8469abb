/** Control characters of a text that others wrote: a terminal would obey them. */

/**
 * The text with their pictures in their place, of those above 127 their numbers.
 * @param kept Those that stay; line breaks by default.
 */
export const visible = (text: string, kept = '\n'): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (found) =>
    kept.includes(found) ? found : pictureOf(found.charCodeAt(0)),
  );

function pictureOf(code: number): string {
  if (code === 0x7f) return '␡';
  return code < 0x7f ? String.fromCharCode(0x2400 + code) : `\\x${code.toString(16)}`;
}
