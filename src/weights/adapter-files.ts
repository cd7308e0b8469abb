/** Names in an adapter's folder, as PEFT gives them. */
export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
/** Field of the metadata of ADAPTER_WEIGHTS; PEFT's config has none for it. */
export const BASE_QUANTIZATION = 'base_quantization';
