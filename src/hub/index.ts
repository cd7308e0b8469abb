/** The Hugging Face hub: models, tokenizers and data sets, downloaded once into the shared cache. */
export { type ResolveDatasetOptions, resolveDatasetFiles } from './datasets.js';
export { HubNotFoundError, HubUnreachableError, localRevision, triedOnHub } from './failures.js';
export { isHubId } from './ids.js';
export { cachedModelDir, resolveModel, resolveModelDir } from './models.js';
export type { HubOptions, HubProgress } from './settings.js';
