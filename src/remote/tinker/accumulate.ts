/** Forward and backward passes in requests of bounded size; the service adds their gradients up. */
import type { LossName, LossOutput, TinkerModel } from './client.js';
import type { Datum } from './tensors.js';

/** Bounds of one request: those of the service's own SDK. */
const MAX_DATUMS = 1024;
const MAX_BYTES = 5_000_000;
/** Bytes of a token: id, target, and up to two numbers. */
const TOKEN_BYTES = 4 + 8 + 4 + 4;

export function requestsOf(data: readonly Datum[]): Datum[][] {
  const requests: Datum[][] = [];
  let bytes = 0;
  for (const datum of data) {
    const own = datum.input.length * TOKEN_BYTES;
    const last = requests.at(-1);
    const fits = last !== undefined && last.length < MAX_DATUMS && bytes + own <= MAX_BYTES;
    if (fits) last.push(datum);
    else requests.push([datum]);
    bytes = fits ? bytes + own : own;
  }
  return requests;
}

interface Pass {
  readonly data: readonly Datum[];
  readonly loss: LossName;
  readonly config?: Readonly<Record<string, number>>;
}

/** Metrics of the service are those of the last request; log-probabilities are of all data. */
export async function forwardBackward(
  model: TinkerModel,
  { data, loss, config }: Pass,
): Promise<LossOutput> {
  const outputs: LossOutput[] = [];
  for (const part of requestsOf(data))
    outputs.push(await model.forwardBackward(part, loss, config));
  const isWhole = outputs.every(({ logprobs }) => logprobs !== null);
  return {
    metrics: outputs.at(-1)?.metrics ?? {},
    logprobs: isWhole ? outputs.flatMap(({ logprobs }) => logprobs ?? []) : null,
  };
}
