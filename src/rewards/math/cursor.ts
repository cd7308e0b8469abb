/** A place in a list of tokens, with the limits that bound the parser's depth. */
import { type Node, UnreadableAnswer } from './syntax.js';
import type { Token } from './tokens.js';

/** The upper parts of the grammar, which its lower parts need between brackets. */
export interface Grammar {
  readonly sum: (cursor: Cursor) => Node;
  /** Items of a bracket, at least one. */
  readonly series: (cursor: Cursor) => Node[];
}

const END: Token = { kind: 'end', text: '', spaced: false };
const MAX_DEPTH = 60;

export class Cursor {
  readonly grammar: Grammar;
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;
  /** Open `|`; inside one, the next `|` closes it. */
  bars = 0;

  constructor(tokens: readonly Token[], grammar: Grammar) {
    this.#tokens = [...tokens];
    this.grammar = grammar;
  }

  get token(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  /** The token `ahead` places after the current one. */
  peek(ahead: number): Token {
    return this.#tokens[this.#at + ahead] ?? END;
  }

  get place(): number {
    return this.#at;
  }

  back(place: number): void {
    this.#at = place;
  }

  advance(): Token {
    const token = this.token;
    this.#at += 1;
    return token;
  }

  isOp(...texts: readonly string[]): boolean {
    return this.token.kind === 'op' && texts.includes(this.token.text);
  }

  isCommand(...texts: readonly string[]): boolean {
    return this.token.kind === 'command' && texts.includes(this.token.text);
  }

  /** Takes the operator when it is next. */
  takeOp(...texts: readonly string[]): boolean {
    if (!this.isOp(...texts)) return false;
    this.#at += 1;
    return true;
  }

  takeCommand(...texts: readonly string[]): boolean {
    if (!this.isCommand(...texts)) return false;
    this.#at += 1;
    return true;
  }

  expectOp(text: string): void {
    if (!this.takeOp(text)) throw new UnreadableAnswer(`no ${text}`);
  }

  /** First character of the current number, as TeX takes it for an argument: \frac12, \sqrt45. */
  takeDigit(): string {
    const { text } = this.token;
    if (text.length === 1) this.#at += 1;
    else this.#tokens[this.#at] = { ...this.token, text: text.slice(1), spaced: false };
    return text.charAt(0);
  }

  /** Runs a part of the grammar one level down. @throws UnreadableAnswer below 60 levels */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new UnreadableAnswer('nested too deep');
    const result = read();
    this.#depth -= 1;
    return result;
  }
}
