/**
 * Who chooses the next tokens after a run: the host, out of whole rows of probabilities, or a graph where the
 * probabilities are (graph/token-choice.ts). Both give the same tokens for the same random numbers.
 */
import { RunError } from '../../util/errors.js';
import { PROBABILITIES, SCORES } from '../graph/names.js';
import {
  CHOICE_BLOCK,
  CHOICE_ROWS,
  CHOSEN_BLOCK,
  CHOSEN_PLACE,
  CHOSEN_WEIGHT,
  type ChoiceOptions,
  MASS,
  type Real,
  tokenChoiceGraph,
  UNIFORM,
  WHOLE_MASS,
} from '../graph/token-choice.js';
import { encodeGraph } from '../onnx/model-files.js';
import { type IoBinding, OrtSession, type SessionOptions } from '../ort/session.js';
import { isUnfiltered } from '../sampling/distribution.js';
import { divergedError, type TokenSampler, uniform53 } from '../sampling/token-sampler.js';
import type { SamplingParams, StreamOptions } from '../types.js';
import type { CompletionRow, DrawnToken } from './completion-row.js';
import type { Lane } from './lane.js';
import { Port } from './port.js';

/** A completion, and the row of the lane's last run that its next token comes from. */
export interface Draw {
  readonly row: CompletionRow;
  readonly laneRow: number;
}

export interface TokenChooser {
  /** Where a lane's scores have to be. */
  readonly reads: 'host' | 'device';
  /** Gives every row its next token, or aborts it where `onFailure` is told why there is none. */
  choose(lane: Lane, draws: readonly Draw[], onFailure?: StreamOptions['onFailure']): Promise<void>;
}

export function hostChooser(samplerOf: (row: CompletionRow) => TokenSampler): TokenChooser {
  return {
    reads: 'host',
    async choose(lane, draws, onFailure) {
      for (const { row, laneRow } of draws) {
        try {
          row.push(drawn(samplerOf(row), lane, { row, laneRow }));
        } catch (error) {
          if (onFailure === undefined) throw error;
          onFailure(row.request.id, error);
          row.abort();
        }
      }
    },
  };
}

function drawn(sampler: TokenSampler, lane: Lane, { row, laneRow }: Draw): DrawnToken {
  const id = sampler.next(lane.scores(laneRow), lane.probabilities(laneRow), row);
  const { logprob, policyLogprob } = sampler;
  const { topLogprobs: count } = row.request;
  const top = count === undefined ? {} : { topLogprobs: sampler.likeliest(count) };
  return { id, logprob, policyLogprob, ...top };
}

/** Whether the graph can choose: what changes the scores of single tokens is left to the host. */
export function canChooseInGraph(params: SamplingParams): boolean {
  const { repetitionPenalty, logitBias, constraint, minNewTokens } = params;
  return (
    repetitionPenalty === 1 && logitBias.size === 0 && constraint === null && minNewTokens === 0
  );
}

interface Outputs {
  readonly block: Port<BigInt64Array>;
  readonly place: Port<BigInt64Array>;
  readonly weight: Port<Float32Array>;
  readonly wholeMass: Port<Float64Array> | Port<Float32Array>;
  readonly mass: Port<Float64Array> | Port<Float32Array>;
}

export class GraphChooser implements TokenChooser {
  readonly reads: 'host' | 'device';
  private readonly options: ChoiceOptions;
  private readonly isFiltered: boolean;
  private readonly session: OrtSession;
  private readonly binding: IoBinding;
  private readonly rows = new Port(CHOICE_ROWS, Int32Array);
  private readonly uniform: Port<Float64Array> | Port<Float32Array>;
  private readonly outputs: Outputs;

  constructor(params: SamplingParams, vocabSize: number, session: SessionOptions) {
    const isOnDevice = (session.device ?? 'cpu') !== 'cpu';
    const real: Real = isOnDevice ? 'float32' : 'float64';
    this.reads = isOnDevice ? 'device' : 'host';
    const { temperature, topK, topP, minP } = params;
    this.options = { vocabSize, isGreedy: temperature === 0, topK, topP, minP, real };
    this.isFiltered = !isUnfiltered(params);
    this.session = OrtSession.create(encodeGraph(tokenChoiceGraph(this.options)), session);
    this.binding = this.session.createBinding();
    const realPort = (name: string) =>
      real === 'float64' ? new Port(name, Float64Array) : new Port(name, Float32Array);
    this.uniform = realPort(UNIFORM);
    this.outputs = {
      block: new Port(CHOSEN_BLOCK, BigInt64Array),
      place: new Port(CHOSEN_PLACE, BigInt64Array),
      weight: new Port(CHOSEN_WEIGHT, Float32Array),
      wholeMass: realPort(WHOLE_MASS),
      mass: realPort(MASS),
    };
  }

  async choose(lane: Lane, draws: readonly Draw[]): Promise<void> {
    if (draws.length === 0) return;
    this.bind(lane, draws);
    await this.session.run(this.binding);
    for (const [i, { row }] of draws.entries()) {
      row.push(this.chosen(i));
    }
  }

  dispose(): void {
    this.binding.dispose();
    for (const port of [this.rows, this.uniform, ...Object.values(this.outputs)]) port.dispose();
    this.session.dispose();
  }

  private bind(lane: Lane, draws: readonly Draw[]): void {
    const { binding, outputs, options } = this;
    const column = [draws.length, 1];
    binding.bindInput(PROBABILITIES, lane.probabilityTensor);
    if (options.isGreedy) binding.bindInput(SCORES, lane.scoreTensor);
    this.rows.shapeInput(binding, [draws.length]);
    for (const [i, { laneRow }] of draws.entries()) this.rows.data[i] = laneRow;
    this.rows.bindInput(binding);
    outputs.block.shapeOutput(binding, column);
    outputs.weight.shapeOutput(binding, column);
    outputs.wholeMass.shapeOutput(binding, column);
    if (options.isGreedy) return;
    this.uniform.shapeInput(binding, column);
    for (const [i, { row }] of draws.entries()) this.uniform.data[i] = uniform53(row.rng);
    this.uniform.bindInput(binding);
    outputs.place.shapeOutput(binding, column);
    if (this.isFiltered) outputs.mass.shapeOutput(binding, column);
  }

  private chosen(i: number): DrawnToken {
    const { block, place, weight, wholeMass, mass } = this.outputs;
    const { isGreedy } = this.options;
    const id = isGreedy
      ? Number(block.data[i])
      : CHOICE_BLOCK * Number(block.data[i]) + Number(place.data[i]);
    const total = (this.isFiltered && !isGreedy ? mass : wholeMass).data[i]!;
    // Filters set weights to zero, and change no other.
    const policyLogprob = Math.log(weight.data[i]! / wholeMass.data[i]!);
    const logprob = Math.log(weight.data[i]! / total);
    if (Number.isNaN(logprob)) throw divergedError();
    if (id < this.options.vocabSize) return { id, logprob, policyLogprob };
    throw new RunError({ where: 'rollout', problem: `the graph chose token ${id}` });
  }
}
