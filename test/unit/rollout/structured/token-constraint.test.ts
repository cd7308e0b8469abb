/** Constraints on tokens: masks against the definition, and random walks that always end in valid JSON. */
import { describe, expect, it } from 'vitest';
import { Automaton, DEAD } from '../../../../src/rollout/structured/automaton.js';
import { compile } from '../../../../src/rollout/structured/grammar.js';
import { schemaGrammar } from '../../../../src/rollout/structured/json-schema.js';
import { tokenConstraint } from '../../../../src/rollout/structured/token-constraint.js';
import { Rng } from '../../../../src/util/rng.js';

/** All bytes, and pieces that cross the borders of JSON's parts; the last token ends the text. */
const PIECES = [
  ...['{"', '":', '": "', '", "', '"}', '"]', ', ', '[{"', '}]', '}}', 'true', 'false', 'null'],
  ...['name', 'na', 'me', '12', '-1', '0.', 'e+', '\\"', '\\u00', 'größe', '😀', ' "', '\n  '],
];
const TOKENS = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...PIECES.map((piece) => new Uint8Array(Buffer.from(piece))),
  null,
];
const END = TOKENS.length - 1;
const VOCABULARY = { tokenBytes: TOKENS, endIds: [END] };

const SCHEMA = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    tags: { type: 'array', items: { enum: ['a', 'größe', 'b"c'] }, maxItems: 3 },
    size: { anyOf: [{ type: 'number' }, { type: 'null' }] },
    next: { $ref: '#' },
  },
  required: ['name', 'size'],
};

const idsOf = (mask: Uint32Array) =>
  [...TOKENS.keys()].filter((id) => (mask[id >>> 5]! & (1 << (id & 31))) !== 0);

/** By the definition: each token's bytes, one after the other. */
function allowedBy(automaton: Automaton, state: number): number[] {
  return [...TOKENS.keys()].filter((id) => {
    const text = TOKENS[id];
    if (text == null) return automaton.isAccepting(state);
    return text.reduce((at, byte) => automaton.step(at, byte), state) !== DEAD;
  });
}

/** A walk that closes what is open more often than chance would, so that it ends. */
function walk(seed: number): { text: string; steps: number } {
  const rng = Rng.of('walk', seed);
  const automaton = new Automaton(compile(schemaGrammar(SCHEMA)));
  const cursor = tokenConstraint(schemaGrammar(SCHEMA), VOCABULARY).start();
  const bytes: number[] = [];
  let state = automaton.start;
  for (let steps = 1; steps < 2000; steps++) {
    const allowed = idsOf(cursor.allowed());
    expect(allowed).toEqual(allowedBy(automaton, state));
    const closing = allowed.filter((id) => id === END || /^["\]}]/.test(textOf(id)));
    const id = rng.pick(closing.length > 0 && rng.uniform() < 0.4 ? closing : allowed);
    cursor.push(id);
    if (id === END) return { text: Buffer.from(bytes).toString('utf8'), steps };
    for (const byte of TOKENS[id]!) {
      bytes.push(byte);
      state = automaton.step(state, byte);
    }
  }
  return { text: '', steps: 2000 };
}

const textOf = (id: number) => Buffer.from(TOKENS[id] ?? []).toString('utf8');

interface Node {
  readonly name: string;
  readonly tags?: readonly string[];
  readonly size: number | null;
  readonly next?: Node;
}

function expectNode(node: Node): void {
  expect(Object.keys(node).every((key) => Object.hasOwn(SCHEMA.properties, key))).toBe(true);
  expect([...node.name].length).toBeLessThanOrEqual(12);
  expect(node.size === null || typeof node.size === 'number').toBe(true);
  for (const tag of node.tags ?? []) expect(['a', 'größe', 'b"c']).toContain(tag);
  expect((node.tags ?? []).length).toBeLessThanOrEqual(3);
  if (node.next !== undefined) expectNode(node.next);
}

describe('tokenConstraint', () => {
  it('allows exactly the tokens whose bytes can follow, and ends in what the schema says', () => {
    let finished = 0;
    for (let seed = 0; seed < 25; seed++) {
      const { text, steps } = walk(seed);
      if (steps === 2000) continue;
      finished++;
      expectNode(JSON.parse(text) as Node);
    }
    expect(finished).toBeGreaterThanOrEqual(20);
  });

  it('gives each completion its own place', () => {
    const constraint = tokenConstraint(schemaGrammar({ enum: ['a', 'b'] }), VOCABULARY);
    const [one, other] = [constraint.start(), constraint.start()];
    for (const byte of Buffer.from('"a"')) one.push(byte);
    expect(idsOf(one.allowed())).toEqual([END]);
    expect(idsOf(other.allowed())).toEqual(['"'.charCodeAt(0)]);
  });

  it('refuses a tokenizer without end of text, and says when it lacks characters', () => {
    const grammar = schemaGrammar({ type: 'boolean' });
    expect(() => tokenConstraint(grammar, { tokenBytes: TOKENS, endIds: [] })).toThrow(
      /^response_format: the tokenizer has no end-of-text token/,
    );
    const few = { tokenBytes: [Uint8Array.of(0x61), null], endIds: [1] };
    const cursor = tokenConstraint(grammar, few).start();
    expect(() => cursor.allowed()).toThrow(/no token of the vocabulary goes on/);
  });
});
