/**
 * A grammar as a constraint on tokens: a token may come next when its bytes can. Which tokens these are is
 * found by a walk along the vocabulary's tree, once for each state of the automaton, and kept. (Willard and
 * Louf 2023, with states made when they are reached.)
 */
import { InputError, RunError } from '../../util/errors.js';
import type { ConstraintCursor, TokenConstraint } from '../types.js';
import { Automaton, DEAD } from './automaton.js';
import { compile, type Grammar } from './grammar.js';
import { buildTrie, type TokenTrie } from './token-trie.js';

/** Bytes that kept masks may take; they are made anew when there are more. */
const MAX_MASK_BYTES = 256 * 2 ** 20;

export interface ConstraintVocabulary {
  /** Bytes of each token; null for special tokens. */
  readonly tokenBytes: readonly (Uint8Array | null)[];
  /** Tokens that end the text. */
  readonly endIds: readonly number[];
}

/** @throws InputError when nothing ends the text, or the grammar has no texts */
export function tokenConstraint(
  grammar: Grammar,
  vocabulary: ConstraintVocabulary,
): TokenConstraint {
  if (vocabulary.endIds.length === 0) {
    throw new InputError({
      where: 'response_format',
      problem: 'the tokenizer has no end-of-text token, so that nothing could end the answer',
    });
  }
  const masks = new Masks(new Automaton(compile(grammar)), vocabulary);
  return { start: () => new Cursor(masks) };
}

class Masks {
  readonly automaton: Automaton;
  readonly tokenBytes: readonly (Uint8Array | null)[];
  readonly endIds: ReadonlySet<number>;
  private readonly trie: TokenTrie;
  private readonly byState = new Map<number, Uint32Array>();

  constructor(automaton: Automaton, { tokenBytes, endIds }: ConstraintVocabulary) {
    this.automaton = automaton;
    this.tokenBytes = tokenBytes;
    this.endIds = new Set(endIds);
    this.trie = buildTrie(tokenBytes.map((text, id) => (this.endIds.has(id) ? null : text)));
  }

  of(state: number): Uint32Array {
    let mask = this.byState.get(state);
    if (mask === undefined) {
      mask = this.walk(state);
      if (this.byState.size * mask.byteLength > MAX_MASK_BYTES) this.byState.clear();
      this.byState.set(state, mask);
    }
    return mask;
  }

  private walk(start: number): Uint32Array {
    const { automaton, trie } = this;
    const { byte, firstChild, sibling, tokens } = trie;
    const mask = new Uint32Array(Math.ceil(this.tokenBytes.length / 32));
    if (automaton.isAccepting(start)) for (const id of this.endIds) set(mask, id);
    const open = [firstChild[0]!, start];
    while (open.length > 0) {
      const state = open.pop()!;
      for (let node = open.pop()!; node !== 0; node = sibling[node]!) {
        const next = automaton.step(state, byte[node]!);
        if (next === DEAD) continue;
        const ends = tokens.get(node);
        if (ends !== undefined) for (const id of ends) set(mask, id);
        if (firstChild[node] !== 0) open.push(firstChild[node]!, next);
      }
    }
    return mask;
  }
}

function set(mask: Uint32Array, id: number): void {
  mask[id >>> 5]! |= 1 << (id & 31);
}

class Cursor implements ConstraintCursor {
  private readonly masks: Masks;
  private state: number;

  constructor(masks: Masks) {
    this.masks = masks;
    this.state = masks.automaton.start;
  }

  allowed(): Uint32Array {
    const mask = this.masks.of(this.state);
    if (mask.some((word) => word !== 0)) return mask;
    throw new RunError({
      where: 'response_format',
      problem: 'no token of the vocabulary goes on with the text',
      remedy: 'The tokenizer lacks characters of JSON: use another model',
    });
  }

  push(id: number): void {
    const { automaton, tokenBytes, endIds } = this.masks;
    if (endIds.has(id)) return;
    for (const byte of tokenBytes[id] ?? []) this.state = automaton.step(this.state, byte);
  }
}
