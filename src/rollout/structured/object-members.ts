/** The members of an object, in the order of its `properties`. */
import { choice, type Expression, literal, optional, repeat, rule, sequence } from './grammar.js';
import { SPACE } from './json-text.js';

export interface Member {
  /** Key, colon and value. */
  readonly text: Expression;
  readonly isRequired: boolean;
}

/**
 * Members in order, each optional unless required, then any number of others. `first[i]` is the text from
 * member i on where none stands before it, `later[i]` where one does, with its comma. Both are rules, so
 * that the grammar grows with the number of members and not with its powers.
 * @param rules Takes the rules, named after `path`.
 */
export function membersInOrder(
  members: readonly Member[],
  others: Expression | null,
  { path, rules }: { readonly path: string; readonly rules: Map<string, Expression> },
): Expression {
  const comma = sequence(SPACE, literal(','), SPACE);
  const more = others === null ? sequence() : repeat(sequence(comma, others), 0, null);
  const name = (kind: string, index: number) => `${path} ${kind} ${index}`;
  const end = members.length;
  rules.set(name('later', end), sequence(more, SPACE));
  rules.set(
    name('first', end),
    others === null ? sequence() : optional(sequence(others, more, SPACE)),
  );
  for (const [i, { text, isRequired }] of members.entries()) {
    const rest = rule(name('later', i + 1));
    const skip = (kind: string) => (isRequired ? [] : [rule(name(kind, i + 1))]);
    rules.set(name('first', i), choice(sequence(text, rest), ...skip('first')));
    rules.set(name('later', i), choice(sequence(comma, text, rest), ...skip('later')));
  }
  return rule(name('first', 0));
}
