/** The content of the last `\boxed{…}`, braces counted; linear in the length of the text. */

const COMMANDS = ['\\boxed', '\\fbox'];

/**
 * Content of the last `\boxed{}` or `\fbox{}`, also `\boxed 5`; null when there is none, or when its
 * braces do not close (a text cut off).
 */
export function extractBoxed(text: string): string | null {
  const command = COMMANDS.map((name) => ({ name, at: text.lastIndexOf(name) })).reduce((a, b) =>
    a.at >= b.at ? a : b,
  );
  if (command.at < 0) return null;
  const rest = command.at + command.name.length;
  const open = /\s*\{/y;
  open.lastIndex = rest;
  if (!open.test(text)) return bare(text.slice(rest, rest + 200));
  const end = closingBrace(text, open.lastIndex);
  return end < 0 ? null : text.slice(open.lastIndex, end).trim();
}

/** Whether the last box holds anything: what the reward `olympiad` pays `format_reward` for. */
export const hasBoxedAnswer = (text: string): boolean => (extractBoxed(text) ?? '') !== '';

/** `\boxed 5$`: up to the next space, dollar or end of line. */
const bare = (text: string): string | null => /^ +([^\s$]+)/.exec(text)?.[1] ?? null;

/** Index of the brace that closes the one before `from`, or -1; escaped braces do not count. */
function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    const sign = text.charCodeAt(i);
    if (sign === 92) i += 1;
    else if (sign === 123) depth += 1;
    else if (sign === 125 && --depth === 0) return i;
  }
  return -1;
}
