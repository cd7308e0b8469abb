/** Models and tokenizers from the hub or a local folder. */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { InputError } from '../util/errors.js';
import { cachedListing, type RepoListing, snapshotDir } from './cache.js';
import { label, localRevision, notCached, triedOnHub } from './failures.js';
import { isHubId, pathMatcher } from './ids.js';
import { fetchSnapshot } from './repo.js';
import { type HubOptions, hubSettings } from './settings.js';

/** What a model folder needs; weights as safetensors only, of the root folder. */
const MODEL_FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
  'model.safetensors',
  'model-*.safetensors',
  'model.safetensors.index.json',
  'adapter_config.json',
  'adapter_model.safetensors',
  'README.md',
  'LICENSE*',
] as const;

export interface ResolveModelOptions extends HubOptions {
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string;
  /** Glob patterns of the files to fetch. Default MODEL_FILES, which must include weights. */
  readonly allow?: readonly string[];
}

export interface ResolvedModel {
  readonly dir: string;
  /** Commit on the hub; null for a folder of the user's own. */
  readonly commit: string | null;
}

/**
 * The local folder of a hub model, downloaded as far as it is not in the cache.
 * @throws HubUnreachableError without network and cache; SetupError without access (names HF_TOKEN);
 *   HubNotFoundError; InputError when the repository has no safetensors.
 */
export async function resolveModel(
  id: string,
  options: ResolveModelOptions = {},
): Promise<ResolvedModel> {
  const { revision = 'main', allow, ...hub } = options;
  const matches = pathMatcher(allow ?? MODEL_FILES);
  const settings = hubSettings(hub);
  const ref = { kind: 'model', id, revision } as const;
  const choose = (listing: RepoListing) => {
    const files = listing.files.filter(matches);
    if (listing.isPart && allow === undefined && !hasWeights(files)) {
      throw notCached(settings, label(ref), 'model.safetensors');
    }
    checkChoice(id, { listing, files, weights: allow === undefined });
    return files;
  };
  const { dir, commit } = await fetchSnapshot(settings, ref, choose);
  return { dir, commit };
}

const hasWeights = (files: readonly string[]): boolean =>
  files.some((file) => file.endsWith('.safetensors'));

interface Choice {
  readonly listing: RepoListing;
  readonly files: readonly string[];
  readonly weights: boolean;
}

function checkChoice(id: string, { listing, files, weights }: Choice): void {
  if (files.length === 0) {
    throw new InputError({ where: id, problem: 'the repository has none of the files asked for' });
  }
  if (!weights || hasWeights(files)) return;
  const other = listing.files.find((file) => /\.(bin|pt|pth|gguf|onnx)$/.test(file));
  throw new InputError({
    where: id,
    problem: `it has no weights as safetensors${other === undefined ? '' : ` (only e.g. ${other})`}`,
    remedy:
      'Give a revision that has them, as refs/pr/N of a pull request, or convert it once with transformers (save_pretrained) and use that folder',
  });
}

/** Where the cache has a hub model, or a part of it; null: nowhere. The hub is not asked. */
export function cachedModelDir(id: string, revision: string | null): string | null {
  const settings = hubSettings();
  const ref = { kind: 'model', id, revision: revision ?? 'main' } as const;
  const listing = cachedListing(settings, ref);
  return listing === null ? null : snapshotDir(settings, ref, listing.commit);
}

export interface ResolveModelDirOptions extends ResolveModelOptions {
  /** Where the revision stands, for errors. Default `model_revision`. */
  readonly revisionKey?: string;
}

/**
 * A folder for what a user calls a model: a local folder as it is, else a hub id.
 * @throws InputError when it is neither, or a folder with a revision; otherwise as `resolveModel`.
 */
export async function resolveModelDir(
  model: string,
  { revisionKey = 'model_revision', ...options }: ResolveModelDirOptions = {},
): Promise<ResolvedModel> {
  const { revision } = options;
  if (existsSync(model)) {
    if (!statSync(model).isDirectory()) {
      throw new InputError({
        where: 'model',
        problem: `${model} is a file, not a folder`,
        remedy: model.endsWith('.gguf')
          ? 'GGUF is written, not read: give the Hugging Face folder that it was made from'
          : `Give the folder with config.json and the weights${model.endsWith('.safetensors') ? `, here ${dirname(model)}` : ''}`,
      });
    }
    if (revision === undefined) return { dir: model, commit: null };
    throw localRevision(revisionKey, revision, `${model} is a local folder`);
  }
  if (!isHubId(model)) {
    throw new InputError({
      where: 'model',
      problem: `no folder "${model}"`,
      remedy: `Give a folder, a run folder, or a hub id such as ${idInAddress(model) ?? 'owner/name'}`,
    });
  }
  const place =
    revision === undefined
      ? `model: no local folder "${model}", and as a hub id`
      : `model and ${revisionKey}`;
  return await triedOnHub(place, resolveModel(model, options));
}

/** The id in the address of a hub's page, as https://hub/owner/name/tree/main. */
const idInAddress = (text: string): string | undefined =>
  /^https?:\/\/[^/]+\/([\w.-]+\/[\w.-]+)/.exec(text)?.[1];
