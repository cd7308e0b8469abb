/** ± and ∓ written out as two answers; all signs of one expression change together. */
import { contains, type Node } from './syntax.js';

/** The one or two answers a node stands for. */
export function expandSigns(node: Node): readonly Node[] {
  if (!contains(node, ({ kind }) => kind === 'sign')) return [node];
  return [withSign(node, false), withSign(node, true)];
}

function withSign(node: Node, isMinus: boolean): Node {
  const inner = (child: Node): Node => withSign(child, isMinus);
  switch (node.kind) {
    case 'sign': {
      const of = inner(node.of);
      return node.flipped === isMinus ? of : { kind: 'negate', of };
    }
    case 'add':
      return { ...node, terms: node.terms.map(inner) };
    case 'multiply':
      return { ...node, factors: node.factors.map(inner) };
    case 'divide':
      return { ...node, over: inner(node.over), under: inner(node.under) };
    case 'power':
      return { ...node, base: inner(node.base), exponent: inner(node.exponent) };
    case 'root':
      return { ...node, of: inner(node.of) };
    case 'call':
      return { ...node, args: node.args.map(inner) };
    case 'list':
    case 'set':
    case 'ratio':
    case 'tuple':
    case 'sets':
      return { ...node, items: node.items.map(inner) };
    case 'relation':
      return { ...node, sides: node.sides.map(inner) };
    case 'matrix':
      return { ...node, rows: node.rows.map((row) => row.map(inner)) };
    case 'negate':
    case 'scaled':
    case 'degrees':
    case 'quantity':
      return { ...node, of: inner(node.of) };
    default:
      return node;
  }
}
