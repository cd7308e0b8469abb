/**
 * Inputs and outputs of the decoder graph. B rows of S tokens are flattened to B·S positions; N of them
 * (`rows`) get logits over the vocabulary V. M is the capacity of the key/value cache.
 */

export const INPUT_IDS = 'input_ids'; // int32 [B, S]
/** Tokens in each row after this run, less one. */
export const SEQLENS_K = 'seqlens_k'; // int32 [B]
/** Largest of those lengths; equal to S exactly when the rows start from nothing. */
export const TOTAL_LENGTH = 'total_sequence_length'; // int32 [1]
/** Shape of what attention or a convolution reads, [B, S, features]: B, S and −1. */
export const BATCH_SHAPE = 'batch_shape'; // int64 [3]
/** Positions, in 0 … B·S − 1, whose logits are wanted. */
export const ROWS = 'rows'; // int32 [N]
export const INVERSE_TEMPERATURE = 'inverse_temperature'; // float32 [N, 1]

/**
 * Where a model has states, of K inputs each: the places of those that stay, counted among the K that were there and
 * the row's S of this run; and 1 for a row that has tokens before this run, else 0.
 */
export const STATE_ROWS = 'state_rows'; // int64 [B, K, 1]
export const STARTED = 'started'; // float32 [B, 1, 1]

/** Logits divided by the temperature. */
export const SCORES = 'scores'; // float32 [N, V]
/** Their softmax. */
export const PROBABILITIES = 'probabilities'; // float32 [N, V]

/** float32 [B, KV heads, M, head size]; input and output are one buffer. */
export const pastKey = (layer: number) => `past_key_${layer}`;
export const pastValue = (layer: number) => `past_value_${layer}`;
export const presentKey = (layer: number) => `present_key_${layer}`;
export const presentValue = (layer: number) => `present_value_${layer}`;

/** float32 [B, K, channels]; the same. */
export const pastState = (layer: number) => `past_state_${layer}`;
export const presentState = (layer: number) => `present_state_${layer}`;

/** float32 [B, value heads, key size, value size]; the same. Zeros for a row that begins. */
export const pastRecurrent = (layer: number) => `past_recurrent_${layer}`;
export const presentRecurrent = (layer: number) => `present_recurrent_${layer}`;

/** float32 [R, in] and [out, R] of a projection; R is the sum of the ranks of its modules. */
export const loraA = (projection: string) => `lora_a.${projection}`;
export const loraB = (projection: string) => `lora_b.${projection}`;
