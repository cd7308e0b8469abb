/** Below it, other than 0, logits over the temperature leave float32, and no probabilities are left. */
export const MIN_TEMPERATURE = 1e-4;
