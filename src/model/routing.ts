/**
 * Which experts tokens go to (Shazeer et al. 2017): the likeliest of each, found on the host, where also the order is made
 * in which the tokens of an expert stand together.
 */
import { gather, indicesOnDevice, onHost, type Tensor, tf } from '../tensor/index.js';
import type { ExpertsSpec } from './spec.js';

/** A row is a token at one of its experts. Indices are int32 `[T · perToken]`. */
export interface Routing {
  /** Rows of each expert, which stand together, one expert after the other. */
  readonly counts: readonly number[];
  /** Expert of each place, on the host. */
  readonly chosen: Int32Array;
  /** Token of each row. */
  readonly tokens: Tensor;
  /** Place of each row among those of all tokens, token after token. */
  readonly order: Tensor;
  /** The other way: the row of each place. */
  readonly rows: Tensor;
  /** Of each place, the element of `[T, count]` that is its token and expert. */
  readonly choices: Tensor;
}

/** @param logits The router's, `[T, count]` float32 @returns Its tensors are kept; the caller disposes them. */
export function routed(logits: Tensor, { count, perToken }: ExpertsSpec): Routing {
  const experts = onHost<Int32Array>(() => tf.topk(logits, perToken).indices);
  const counts = new Array<number>(count).fill(0);
  for (const expert of experts) counts[expert]!++;
  const next = counts.map((_, expert) => counts.slice(0, expert).reduce((sum, n) => sum + n, 0));
  const indices = () => new Int32Array(experts.length);
  const [tokens, order, rows, choices] = [indices(), indices(), indices(), indices()];
  for (const [place, expert] of experts.entries()) {
    const [row, token] = [next[expert]!++, Math.floor(place / perToken)];
    tokens[row] = token;
    order[row] = place;
    rows[place] = row;
    choices[place] = token * count + expert;
  }
  const kept = (values: Int32Array) => tf.keep(indicesOnDevice(values));
  return {
    counts,
    chosen: experts,
    tokens: kept(tokens),
    order: kept(order),
    rows: kept(rows),
    choices: kept(choices),
  };
}

/** What each token's experts count, on the tape. @param logits `[T, count]` @returns `[T, perToken]` */
export const routingWeights = (logits: Tensor, routing: Chosen, experts: ExpertsSpec): Tensor =>
  ofChosen(logits, tf.softmax, { ...routing, ...experts });

/** Its logarithm, likewise. */
export const routingLogWeights = (logits: Tensor, routing: Chosen, experts: ExpertsSpec): Tensor =>
  ofChosen(logits, tf.logSoftmax, { ...routing, ...experts });

type Chosen = Pick<Routing, 'choices'>;

function ofChosen(
  logits: Tensor,
  softmax: (x: Tensor) => Tensor,
  { choices, perToken, normalized }: Chosen & ExpertsSpec,
): Tensor {
  const chosen = (from: Tensor) => gather(from.reshape([-1]), choices).reshape([-1, perToken]);
  // A softmax over the chosen is one over all, divided by the sum of the chosen.
  return normalized ? softmax(chosen(logits)) : chosen(softmax(logits));
}
