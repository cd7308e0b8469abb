/** The syntax tree of an answer: scalars, and the structures that hold them. */
import type { Rational } from './rational.js';

export type Constant = 'pi' | 'e' | 'i' | 'infinity';

/**
 * A scalar expression. `sign` is ± (or ∓ when `flipped`) before its operand; `scaled` a percentage, or a
 * number before a word like "million".
 */
type Scalar =
  | { readonly kind: 'number'; readonly value: Rational }
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'constant'; readonly name: Constant }
  | { readonly kind: 'add'; readonly terms: readonly Node[] }
  | { readonly kind: 'multiply'; readonly factors: readonly Node[] }
  | { readonly kind: 'negate'; readonly of: Node }
  | { readonly kind: 'sign'; readonly of: Node; readonly flipped: boolean }
  | { readonly kind: 'divide'; readonly over: Node; readonly under: Node }
  | { readonly kind: 'power'; readonly base: Node; readonly exponent: Node }
  | { readonly kind: 'root'; readonly of: Node; readonly degree: Node }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'scaled'; readonly of: Node; readonly by: Rational }
  | { readonly kind: 'degrees'; readonly of: Node }
  | { readonly kind: 'quantity'; readonly of: Node; readonly unit: string };

/** `=`, `in`, `<`, `<=`, `!=`, `~`; `>` and `>=` are written with their sides exchanged. */
export type Relation = '=' | 'in' | '<' | '<=' | '>' | '>=' | '!=' | '~';
export type SetOperator = 'cup' | 'cap' | 'setminus';

/** What is no scalar. A `based` number keeps its digits: 12_7 is no other way to write 9. */
type Structure =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'based'; readonly digits: string; readonly base: number }
  | { readonly kind: 'list' | 'set' | 'ratio'; readonly items: readonly Node[] }
  | {
      readonly kind: 'tuple';
      readonly open: string;
      readonly close: string;
      readonly items: readonly Node[];
    }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Node[])[] }
  | { readonly kind: 'sets'; readonly operator: SetOperator; readonly items: readonly Node[] }
  | {
      readonly kind: 'relation';
      readonly operators: readonly Relation[];
      readonly sides: readonly Node[];
    };

export type Node = Scalar | Structure;

/** The text is none that the grammar reads. */
export class UnreadableAnswer extends Error {}

/** Whether a node is a single value and no structure. */
export function isScalar({ kind }: Node): boolean {
  return !/^(?:text|based|list|set|ratio|tuple|matrix|sets|relation)$/.test(kind);
}

/** The one part of what would be a whole of one part, else the whole. */
export const onlyOr = (parts: readonly Node[], whole: Node): Node =>
  parts.length === 1 ? parts[0]! : whole;

/** Operands of a node, in their order. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'number':
    case 'symbol':
    case 'constant':
    case 'text':
    case 'based':
      return [];
    case 'add':
      return node.terms;
    case 'multiply':
      return node.factors;
    case 'divide':
      return [node.over, node.under];
    case 'power':
      return [node.base, node.exponent];
    case 'root':
      return [node.of, node.degree];
    case 'call':
      return node.args;
    case 'matrix':
      return node.rows.flat();
    case 'relation':
      return node.sides;
    case 'list':
    case 'set':
    case 'ratio':
    case 'tuple':
    case 'sets':
      return node.items;
    default:
      return [node.of];
  }
}

/** Whether `test` holds for the node or anything below it. */
export function contains(node: Node, test: (node: Node) => boolean): boolean {
  return test(node) || childrenOf(node).some((child) => contains(child, test));
}
