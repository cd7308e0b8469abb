/** Generated parts of documents that are otherwise written by hand. */

/** What `script` makes, between the lines that it is found by again. */
export const markedPart = (script: string, name: string, content: string): string =>
  `<!-- ${name}: made by ${script}, do not edit -->\n${content.trimEnd()}\n<!-- /${name} -->`;

/** The text with `part` for what stood between the same marks. @throws Error without them */
export function replacePart(text: string, part: string): string {
  const lines = part.split('\n');
  const [begin, end] = [lines[0]!, lines.at(-1)!];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`no lines ${begin} and ${end}`);
  return `${text.slice(0, from)}${part}${text.slice(to + end.length)}`;
}
