/**
 * The choice of the next token as a graph, for devices whose probabilities had better stay where they are: what
 * is read back is a token and two numbers a row. Filters and draw are those of sampling/, in the same order:
 * top-k, top-p, min-p, then a walk along the tokens in order of id until the random number is used up. The walk
 * goes by blocks of tokens first, so that nothing sums over the whole vocabulary in sequence.
 *
 * `Real` is what sums are kept in: float64 as on the host, or float32 where a device has nothing longer; then
 * a random number that falls within rounding of a boundary may go to the neighbour.
 */
import { type BuiltGraph, GraphBuilder, type Value } from '../onnx/graph-builder.js';
import { type Filters, isUnfiltered } from '../sampling/distribution.js';
import { PROBABILITIES, SCORES } from './names.js';

/** Rows of the scores that a token is chosen for. */
export const CHOICE_ROWS = 'choice_rows'; // int32 [M]
/** A number in [0, 1) for each. */
export const UNIFORM = 'uniform'; // Real [M, 1]
/** Block of the token, and its place there; for greedy choice the token and 0. */
export const CHOSEN_BLOCK = 'chosen_block'; // int64 [M, 1]
export const CHOSEN_PLACE = 'chosen_place'; // int64 [M, 1]
/** Its probability, that of all tokens, and that of those it was drawn from where there are filters. */
export const CHOSEN_WEIGHT = 'chosen_weight'; // float32 [M, 1]
export const WHOLE_MASS = 'whole_mass'; // Real [M, 1]
export const MASS = 'mass'; // Real [M, 1]

export const CHOICE_BLOCK = 256;

export type Real = 'float64' | 'float32';

export interface ChoiceOptions extends Filters {
  readonly vocabSize: number;
  readonly isGreedy: boolean;
  readonly real: Real;
}

export function tokenChoiceGraph(options: ChoiceOptions): BuiltGraph {
  const graph = new GraphBuilder();
  const { vocabSize, isGreedy, real } = options;
  graph.input(PROBABILITIES, 'float32', ['N', vocabSize]);
  graph.input(CHOICE_ROWS, 'int32', ['M']);
  const weights = graph.node('Gather', [PROBABILITIES, CHOICE_ROWS]);
  if (isGreedy) {
    likeliest(graph, weights);
    new Draw(graph, options).sumOf(weights);
  } else {
    graph.input(UNIFORM, real, ['M', 1]);
    new Draw(graph, options).of(weights);
    graph.output(CHOSEN_PLACE, 'int64', ['M', 1]);
    if (!isUnfiltered(options)) graph.output(MASS, real, ['M', 1]);
  }
  graph.output(WHOLE_MASS, real, ['M', 1]);
  graph.output(CHOSEN_BLOCK, 'int64', ['M', 1]);
  graph.output(CHOSEN_WEIGHT, 'float32', ['M', 1]);
  return graph.build('token choice');
}

/** The first of the largest scores, as the host finds it. */
function likeliest(graph: GraphBuilder, weights: Value): void {
  const scores = graph.input(SCORES, 'float32', ['N', 'V']);
  const picked = graph.node('Gather', [scores, CHOICE_ROWS]);
  graph.node('ArgMax', [picked], { attributes: { axis: 1, keepdims: 1 }, outputs: [CHOSEN_BLOCK] });
  graph.node('GatherElements', [weights, CHOSEN_BLOCK], {
    attributes: { axis: 1 },
    outputs: [CHOSEN_WEIGHT],
  });
}

/** Builds the filters and the draw. */
class Draw {
  private readonly graph: GraphBuilder;
  private readonly options: ChoiceOptions;
  private readonly blocks: number;
  private readonly isFiltered: boolean;

  constructor(graph: GraphBuilder, options: ChoiceOptions) {
    this.graph = graph;
    this.options = options;
    this.blocks = Math.ceil(options.vocabSize / CHOICE_BLOCK);
    this.isFiltered = !isUnfiltered(options);
  }

  /** @param weights [M, V], proportional to the probabilities */
  of(weights: Value): void {
    const { topK, topP, minP } = this.options;
    if (this.isFiltered) this.sumOf(weights);
    let kept = weights;
    if (topK > 0 || topP < 1) kept = this.likeliestOf(kept);
    if (minP > 0) kept = this.notBelow(kept);
    this.draw(this.blocked(kept));
  }

  /** @param weights [M, V] */
  sumOf(weights: Value): void {
    this.sums(this.blocked(weights), { output: WHOLE_MASS });
  }

  /** Zero but for the top k, and of these the shortest list that reaches top p of their sum. */
  private likeliestOf(weights: Value): Value {
    const { graph } = this;
    const { topK, topP, vocabSize } = this.options;
    const count = topK === 0 ? vocabSize : Math.min(topK, vocabSize);
    const k = graph.constant('k', BigInt64Array.of(BigInt(count)), [1]);
    graph.node('TopK', [weights, k], { outputs: ['ranked', 'ranked_ids'] });
    const kept = topP < 1 ? this.shortestList('ranked', count) : 'ranked';
    const none = graph.node('Mul', [weights, this.constant('zero', 0)]);
    return graph.node('ScatterElements', [none, 'ranked_ids', kept], { attributes: { axis: 1 } });
  }

  /** A token stays while what stands before it has not reached the amount. */
  private shortestList(ranked: Value, count: number): Value {
    const { graph } = this;
    const blocks = Math.ceil(count / CHOICE_BLOCK);
    const parts = this.blocked(ranked, { count, blocks });
    const { before, total } = this.sums(parts);
    const inBlock = graph.node('CumSum', [this.real(parts), this.axis(2)], {
      attributes: { exclusive: 1 },
    });
    const preceding = graph.node('Add', [inBlock, this.unsqueezed(before)]);
    const amount = graph.node('Mul', [total, this.realConstant('top_p', this.options.topP)]);
    const stays = graph.node('Less', [preceding, this.unsqueezed(amount)]);
    const kept = graph.node('Where', [stays, parts, this.constant('nothing', 0)]);
    return this.flat(kept, { count, blocks });
  }

  /** Zero below min p times the largest. */
  private notBelow(weights: Value): Value {
    const { graph } = this;
    const largest = graph.node('ReduceMax', [weights, this.axes(1)]);
    const floor = graph.node('Mul', [
      this.real(largest),
      this.realConstant('min_p', this.options.minP),
    ]);
    const stays = graph.node('GreaterOrEqual', [this.real(weights), floor]);
    return graph.node('Where', [stays, weights, this.constant('dropped', 0)]);
  }

  /** @param parts [M, C, 256] */
  private draw(parts: Value): void {
    const { graph, isFiltered } = this;
    const { before, upTo, total } = this.sums(parts, { output: isFiltered ? MASS : WHOLE_MASS });
    const target = graph.node('Mul', [UNIFORM, total]);
    this.passing(upTo, { target, total, output: CHOSEN_BLOCK });
    const at = { attributes: { axis: 1 } };
    const start = graph.node('GatherElements', [before, CHOSEN_BLOCK], at);
    const block = graph.node('GatherND', [parts, CHOSEN_BLOCK], { attributes: { batch_dims: 1 } });
    const walked = graph.node('Add', [
      graph.node('CumSum', [this.real(block), this.axis(1)]),
      start,
    ]);
    const end = graph.node('ReduceMax', [walked, this.axes(1)]);
    this.passing(walked, { target, total: end, output: CHOSEN_PLACE });
    graph.node('GatherElements', [block, CHOSEN_PLACE], { ...at, outputs: [CHOSEN_WEIGHT] });
  }

  /** First place where the running sum is above the target; the last that adds anything when none is. */
  private passing(
    sums: Value,
    {
      target,
      total,
      output,
    }: { readonly target: Value; readonly total: Value; readonly output: Value },
  ): void {
    const { graph } = this;
    const isWithin = graph.node('LessOrEqual', [sums, target]);
    const goesOn = graph.node('Less', [sums, total]);
    const walksOn = graph.node('Cast', [graph.node('And', [isWithin, goesOn])], {
      attributes: { to: 1 },
    });
    graph.node('ArgMin', [walksOn], { attributes: { axis: 1, keepdims: 1 }, outputs: [output] });
  }

  /** Sums over blocks [M, C]: before each, up to and with each; and over everything [M, 1]. */
  private sums(parts: Value, { output }: { readonly output?: Value } = {}) {
    const { graph } = this;
    const inBlock = graph.node('ReduceSum', [this.real(parts), this.axes(2)], {
      attributes: { keepdims: 0 },
    });
    const upTo = graph.node('CumSum', [inBlock, this.axis(1)]);
    const before = graph.node('CumSum', [inBlock, this.axis(1)], { attributes: { exclusive: 1 } });
    const total = graph.node('ReduceMax', [upTo, this.axes(1)], {
      ...(output !== undefined && { outputs: [output] }),
    });
    return { before, upTo, total };
  }

  /** [M, count] as [M, C, 256], zeros at the end. */
  private blocked(
    x: Value,
    { count, blocks } = { count: this.options.vocabSize, blocks: this.blocks },
  ): Value {
    const { graph } = this;
    const missing = blocks * CHOICE_BLOCK - count;
    const pads = this.whole(`pads.${missing}`, [0, 0, 0, missing]);
    const padded = missing === 0 ? x : graph.node('Pad', [x, pads]);
    return graph.node('Reshape', [
      padded,
      this.whole(`blocks.${blocks}`, [-1, blocks, CHOICE_BLOCK]),
    ]);
  }

  private flat(x: Value, { count, blocks }: { readonly count: number; readonly blocks: number }) {
    const { graph } = this;
    const length = blocks * CHOICE_BLOCK;
    const row = graph.node('Reshape', [x, this.whole(`flat.${length}`, [-1, length])]);
    if (length === count) return row;
    const ends = [this.whole('start', [0]), this.whole(`end.${count}`, [count]), this.axes(1)];
    return graph.node('Slice', [row, ...ends]);
  }

  private unsqueezed(x: Value): Value {
    return this.graph.node('Unsqueeze', [x, this.axes(2)]);
  }

  private real(x: Value): Value {
    if (this.options.real === 'float32') return x;
    return this.graph.node('Cast', [x], { attributes: { to: 11 } });
  }

  private realConstant(name: string, value: number): Value {
    if (this.options.real === 'float32') return this.constant(name, value);
    return this.graph.constant(name, Float64Array.of(value), []);
  }

  private constant(name: string, value: number): Value {
    return this.graph.constant(name, Float32Array.of(value), []);
  }

  private whole(name: string, values: readonly number[]): Value {
    if (this.graph.has(name)) return name;
    return this.graph.constant(name, BigInt64Array.from(values, BigInt), [values.length]);
  }

  private axes = (axis: number): Value => this.whole(`axes.${axis}`, [axis]);

  private axis(axis: number): Value {
    const name = `axis.${axis}`;
    if (this.graph.has(name)) return name;
    return this.graph.constant(name, BigInt64Array.of(BigInt(axis)), []);
  }
}
