/** What llama.cpp's converter writes for the golden families (scripts/golden/gguf.py). */
import { readFileSync } from 'node:fs';
import { architectureOf } from '../../../src/gguf/architectures.js';
import type { DecoderSpec } from '../../../src/model/spec.js';

interface Converted {
  readonly architecture: string;
  readonly keys: Readonly<Record<string, unknown>>;
  /** Shape, and the first 16 digits of the SHA-256 of the float32 bytes. */
  readonly tensors: Readonly<Record<string, readonly [readonly number[], string]>>;
  /** Matrices that stay float32 where others are bfloat16. */
  readonly float32: readonly string[];
}

interface Fixture {
  readonly q8_0: { readonly values: readonly number[]; readonly bytes: string };
  readonly families: Readonly<Record<string, Converted>>;
}

const FILE = new URL('../../fixtures/gguf/converter.json', import.meta.url);

export const CONVERTER: Fixture = JSON.parse(readFileSync(FILE, 'utf8'));

/** Also where a golden decoder has what llama.cpp does not compute. */
export const architectureFor = (spec: DecoderSpec) =>
  architectureOf({
    ...spec,
    layers: [],
    experts: null,
    headDim: spec.hiddenSize / spec.numHeads,
    numKvHeads: spec.numHeads,
  });

export const CONVERTED: readonly string[] = Object.keys(CONVERTER.families);
