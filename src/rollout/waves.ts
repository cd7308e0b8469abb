/** `GenerateOptions.next` for samplers that take all requests at once: what follows waits for the end of a wave. */
import type { FinishReason, GenerateOptions, PromptRequest } from './types.js';

/**
 * @param generate Completions of one wave, in the order of its requests.
 * @throws what `next` rejects with, when nothing that it does is under way any more
 */
export async function inWaves<Made extends { readonly finishReason: FinishReason }>(
  requests: readonly PromptRequest[],
  next: (completion: Made) => ReturnType<NonNullable<GenerateOptions['next']>>,
  generate: (wave: readonly PromptRequest[]) => Promise<readonly Made[]>,
): Promise<Made[]> {
  const all: Made[] = [];
  for (let wave = requests; wave.length > 0; ) {
    const made = await generate(wave);
    for (const completion of made) all.push(completion);
    const ended = made.filter(({ finishReason }) => finishReason !== 'aborted');
    const asked = ended.map(next);
    await Promise.allSettled(asked);
    wave = (await Promise.all(asked)).filter((request) => request !== null);
  }
  return all;
}
