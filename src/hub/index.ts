/** The Hugging Face hub: models, tokenizers and data sets, downloaded once into the shared cache. */
export { resolveDatasetFiles } from './datasets.js';
export { localRevision, triedOnHub } from './failures.js';
export { isHubId } from './ids.js';
export { cachedModelDir, resolveModelDir } from './models.js';
export type { HubOptions, HubProgress } from './settings.js';
