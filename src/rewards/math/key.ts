/** A canonical text of a tree: equal keys mean the same answer, sums and products in any order. */
import { exactValue } from './exact.js';
import { childrenOf, type Node } from './syntax.js';
import { unitKey } from './units.js';

/**
 * The key; a rational value is written as itself, so that 0.5 and 1/2 share one. A unit that is known
 * stands behind it, so that 5 cm and 5 km do not.
 */
export function keyOf(node: Node): string {
  const unit = node.kind === 'quantity' ? unitKey(node.unit) : null;
  if (node.kind === 'quantity' && unit !== null) return `${keyOf(node.of)} ${unit}`;
  const exact = exactValue(node);
  if (exact !== null) return `${exact.over}/${exact.under}`;
  switch (node.kind) {
    case 'symbol':
    case 'constant':
      return node.name;
    case 'text':
      return JSON.stringify(plainText(node.text));
    case 'based':
      return `${node.digits}_${node.base}`;
    case 'quantity':
      return keyOf(node.of);
    default:
      return `${tagOf(node)}(${operandKeys(node).join(',')})`;
  }
}

/** Letters and digits of a text in lower case, single spaces between its words, without an article before them. */
export function plainText(text: string): string {
  return text
    .toLowerCase()
    .replace(/\b([ap])\.\s?m\b/g, '$1m')
    .replace(/[^\p{L}\p{N}:]+/gu, ' ')
    .trim()
    .replace(/^(?:an?|the) (?=\p{L}{3})/u, '');
}

function operandKeys(node: Node): readonly string[] {
  const keys = childrenOf(node).map(keyOf);
  return ['add', 'multiply', 'list', 'set'].includes(node.kind) ? keys.sort() : keys;
}

function tagOf(node: Node): string {
  switch (node.kind) {
    case 'call':
      return node.name;
    case 'scaled':
      return `${node.by.over}/${node.by.under}`;
    case 'sets':
      return node.operator;
    case 'tuple':
      return `${node.open}${node.close}`;
    case 'relation':
      return node.operators.join(' ');
    case 'matrix':
      return `matrix ${node.rows.length}`;
    case 'sign':
      return node.flipped ? 'mp' : 'pm';
    default:
      return node.kind;
  }
}
