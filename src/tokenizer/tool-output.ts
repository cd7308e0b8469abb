/**
 * Output of tools in a text: the fenced blocks ```` ```output … ``` ```` of tool-integrated reasoning (ToRA,
 * arXiv 2309.17452). A model writes the code before them; the output is given to it, so that the loss leaves
 * it out, fences and the line break before the next text included. The closing fence stands on a line of its own
 * (CommonMark 4.5), so that one within a printed line ends nothing; a fence of more backticks holds lines of
 * fewer. Where there is none before the next block, the first fence within a line ends it.
 */
import type { MarkedText, TextSpan } from './chat-text.js';

const OPENED = '^`{3,}\\w+[ \\t]*$';
const CLOSED = '^ {0,3}\\1`*[ \\t]*$\\n?';
const OUTPUT = new RegExp(
  `(\`{3,})output\\n(?:(?:(?!${OPENED})[\\s\\S])*?${CLOSED}|[\\s\\S]*?\\1|[\\s\\S]*)`,
  'gm',
);

/** The text with its output blocks inside of turns marked as not to be trained. */
export function withoutToolOutput(marked: MarkedText): MarkedText {
  const untrained = marked.turns.flatMap(({ start, end }): TextSpan[] =>
    [...marked.text.slice(start, end).matchAll(OUTPUT)].map(({ index, 0: block }) => ({
      start: start + index,
      end: start + index + block.length,
    })),
  );
  return { ...marked, untrained };
}
