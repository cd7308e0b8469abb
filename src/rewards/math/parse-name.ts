/** Names of quantities: letters, Greek commands, subscripts, primes, accents. */
import type { Cursor } from './cursor.js';
import { type Constant, type Node, UnreadableAnswer } from './syntax.js';

const CONSTANTS: Readonly<Record<string, Constant>> = {
  pi: 'pi',
  infty: 'infinity',
  e: 'e',
  i: 'i',
};
const GREEK: ReadonlySet<string> = new Set(
  (
    'alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi ' +
    'rho varrho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma ' +
    'Upsilon Phi Psi Omega hbar ell emptyset odot aleph nabla partial imath jmath Re Im'
  ).split(' '),
);
const ACCENTS: ReadonlySet<string> = new Set(
  (
    'overline bar vec hat tilde dot ddot widehat overrightarrow angle triangle mathbb mathcal ' +
    'mathfrak mathscr underline widetilde overleftrightarrow stackrel measuredangle'
  ).split(' '),
);

/** Whether a name can start at the cursor. */
export function startsName(cursor: Cursor): boolean {
  const { kind, text } = cursor.token;
  if (kind === 'letter' || kind === 'word') return true;
  return kind === 'command' && (text in CONSTANTS || GREEK.has(text) || ACCENTS.has(text));
}

/** A symbol or constant without what follows as sub- or superscript; a change `\Delta x` is one. Also the empty set. */
export function readName(cursor: Cursor): Node {
  const { kind, text } = cursor.advance();
  if (kind === 'command' && ACCENTS.has(text)) {
    return { kind: 'symbol', name: `${text}(${rawArgument(cursor)})` };
  }
  if (text === 'emptyset') return { kind: 'set', items: [] };
  if (kind === 'command' && text === 'Delta' && cursor.token.kind === 'letter') {
    return { kind: 'symbol', name: `Delta ${cursor.advance().text}` };
  }
  const constant = Object.hasOwn(CONSTANTS, text) ? CONSTANTS[text] : undefined;
  if (constant === undefined) return { kind: 'symbol', name: text };
  return { kind: 'constant', name: constant };
}

/** Text of a braced group, or of one token, without spaces, braces and font commands: a_{\rm B} → B. */
export function rawArgument(cursor: Cursor): string {
  if (!cursor.isOp('{')) {
    const { kind, text } = cursor.advance();
    if (kind === 'end') throw new UnreadableAnswer('an argument is missing');
    return text;
  }
  let depth = 0;
  let text = '';
  do {
    if (cursor.token.kind === 'end') throw new UnreadableAnswer('a brace is not closed');
    if (cursor.isOp('{')) depth += 1;
    else if (cursor.isOp('}')) depth -= 1;
    else if (!cursor.isCommand('rm', 'mathrm', 'text')) text += cursor.token.text;
    cursor.advance();
  } while (depth > 0);
  return text;
}
