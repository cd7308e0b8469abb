/** The result of a training run: `model/` with the adapter or the full weights, the tokenizer, a README. */
import { join } from 'node:path';
import { decoderConfig, toStored } from '../../model/index.js';
import { parameterShapes } from '../../model/spec-modules.js';
import type { ReadSource } from '../../report/index.js';
import { saveTokenizer } from '../../tokenizer/index.js';
import { replaceFolder } from '../../util/atomic-folder.js';
import { writeFileAtomic, writeJson } from '../../util/files.js';
import {
  type Adapter,
  fromFloat32,
  type HostTensor,
  writeAdapter,
  writeCheckpoint,
} from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';
import { baseKeys } from '../inputs/quantization.js';
import { madeFrom } from '../outputs/run-sources.js';

export interface TrainedWeights {
  readonly source: ModelSource;
  readonly config: { readonly model: string; readonly stage: string };
  /** Models and data sets that it was made from. */
  readonly sources: readonly ReadSource[];
  readonly adapter: Adapter | null;
  /** All parameters by name, when there is no adapter. */
  readonly parameters: ReadonlyMap<string, Float32Array> | null;
}

/** `model/` is always whole. */
export async function saveModel(dir: string, trained: TrainedWeights): Promise<void> {
  const { source, adapter, parameters } = trained;
  await replaceFolder(dir, async (part) => {
    if (adapter !== null) writeAdapter(part, adapter);
    else writeFull(part, source, parameters!);
    saveTokenizer(source.tokenizer, part);
    writeFileAtomic(join(part, 'README.md'), readme(trained));
  });
}

/** Full weights in the base's own dtype. */
function writeFull(
  dir: string,
  source: ModelSource,
  parameters: ReadonlyMap<string, Float32Array>,
): void {
  const tensors = new Map<string, HostTensor>();
  for (const [name, shape] of parameterShapes(source.spec)) {
    const { dtype } = source.weights(name);
    // Rounded when it is written: all of them at once would be another copy of the model.
    const rounded = () => fromFloat32(parameters.get(name)!, shape, dtype).bytes;
    tensors.set(name, {
      dtype,
      shape,
      get bytes() {
        return rounded();
      },
    });
  }
  writeCheckpoint(dir, toStored(source.spec, tensors));
  writeJson(join(dir, 'config.json'), decoderConfig(source.baseDir));
}

function readme({ source, config, adapter, sources }: TrainedWeights): string {
  const quantized =
    adapter?.quantization == null
      ? ''
      : `, its linear modules kept in 4 bits (${adapter.quantization})`;
  const kind =
    adapter === null ? 'Full weights' : `A LoRA adapter for \`${source.baseName}\`${quantized}`;
  const library = adapter === null ? 'transformers' : 'peft';
  const keys = baseKeys(adapter?.quantization ?? null);
  return `---
library_name: ${library}
base_model: ${source.baseName}
tags: [lorikeet, ${config.stage}]
---

${kind}, trained with Lorikeet (stage \`${config.stage}\`). Use it with Lorikeet as \`model=\` this folder${keys === undefined ? '' : ` and \`${keys}\``}, or
with ${adapter === null ? 'transformers' : 'PEFT'}.
${madeFrom(sources)}`;
}
