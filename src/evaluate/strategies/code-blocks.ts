/**
 * Fenced blocks of a response with code: ```` ```python ```` … ```` ``` ````, followed by
 * ```` ```output ```` … ```` ``` ```` (the form of ToRA, Gou et al. 2023, arXiv 2309.17452).
 */
import { counted } from '../../util/counted.js';

const FENCE = '```';

/** Ends a block: what sampling stops at. */
export const BLOCK_END = `${FENCE}\n`;

/**
 * Code of the block that closes at the end of the text, or null: text ends outside of any block, in an
 * open block, or with a block of another language.
 */
export function codeToRun(text: string): string | null {
  const trimmed = text.trimEnd();
  if (!trimmed.endsWith(FENCE)) return null;
  const fences = [...trimmed.matchAll(/^```([^`\s]*)[ \t]*$/gm)];
  const close = fences.at(-1);
  const open = fences.at(-2);
  if (close === undefined || open === undefined || fences.length % 2 !== 0) return null;
  if (close[1] !== '' || !/^(?:python3?|py)$/i.test(open[1] ?? '')) return null;
  return trimmed.slice(open.index + open[0].length, close.index).replace(/^\n|\n$/g, '');
}

/**
 * The block that shows an output, on a line of its own; one of more characters than `maxLength` is cut and says so.
 * Fences that were printed are indented, so that they close nothing.
 */
export function outputBlock(text: string, output: string, maxLength: number): string {
  const shown =
    output.length > maxLength
      ? `${output.slice(0, maxLength)}\n[${counted(output.length - maxLength, 'character')} cut]`
      : output;
  const start = text.endsWith('\n') ? '' : '\n';
  const inner = shown.trimEnd().replace(/^```/gm, ` ${FENCE}`);
  return `${start}${FENCE}output\n${inner}\n${FENCE}\n`;
}
