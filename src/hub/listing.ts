/** What a revision of a repository holds, as the hub tells it. */
import { RunError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import { isObject } from '../util/json-object.js';
import { COMMIT, type DatasetCardConfig, type RepoListing } from './cache.js';
import { label, type RepoRef } from './failures.js';
import { getJson } from './http.js';
import { isSafePath } from './ids.js';
import type { HubSettings } from './settings.js';

/**
 * The commit of a revision and its files: `siblings` of the repository's information, else its tree.
 * Paths that leave the repository's folder are left out.
 * @throws HubUnreachableError, HubNotFoundError, SetupError (no access); RunError when the answer is
 *   none of a hub, or of another commit than the one asked for.
 */
export async function fetchListing(settings: HubSettings, ref: RepoRef): Promise<RepoListing> {
  const { kind, id, revision } = ref;
  const api = `${settings.endpoint}/api/${kind}s/${id}`;
  const url = `${api}/revision/${encodeURIComponent(revision)}`;
  const { body } = await getJson(settings, url, label(ref));
  if (!isObject(body) || typeof body.sha !== 'string' || !/^\w[\w-]*$/.test(body.sha)) {
    throw new RunError({
      where: label(ref),
      problem: `${url} does not describe a repository (no "sha")`,
      remedy: 'Check that HF_ENDPOINT names a Hugging Face hub',
    });
  }
  if (COMMIT.test(revision) && body.sha !== revision) {
    throw new RunError({
      where: label(ref),
      problem: `${settings.endpoint} answers with commit ${body.sha}`,
      remedy: 'It does not serve revisions: set HF_ENDPOINT to one that does',
    });
  }
  const names = Array.isArray(body.siblings)
    ? body.siblings.map((sibling) => (isObject(sibling) ? sibling.rfilename : null))
    : await treeFiles(settings, `${api}/tree/${body.sha}?recursive=true`, label(ref));
  const configs = isObject(body.cardData) ? body.cardData.configs : undefined;
  return {
    commit: body.sha,
    files: names.filter((name) => typeof name === 'string').filter(isSafePath),
    configs: Array.isArray(configs) ? configs.filter(isObject).map(cardConfig) : [],
  };
}

async function treeFiles(settings: HubSettings, url: string, what: string): Promise<unknown[]> {
  const names: unknown[] = [];
  for (let page: string | null = url; page !== null; ) {
    const { body, next } = await getJson(settings, page, what);
    for (const entry of Array.isArray(body) ? body : []) {
      if (isObject(entry) && entry.type === 'file') names.push(entry.path);
    }
    page = next;
  }
  return names;
}

/** `data_files` is a list of `{split, path}`, or one path or list of paths, which is `train`. */
function cardConfig(config: JsonRow): DatasetCardConfig {
  const splits: Record<string, string[]> = {};
  const add = (split: unknown, path: unknown) => {
    if (typeof split !== 'string') return;
    const paths = (Array.isArray(path) ? path : [path]).filter((each) => typeof each === 'string');
    splits[split] = [...(splits[split] ?? []), ...paths];
  };
  const { data_files: files } = config;
  for (const entry of Array.isArray(files) ? files : [files]) {
    if (isObject(entry)) add(entry.split, entry.path);
    else add('train', entry);
  }
  return {
    name: typeof config.config_name === 'string' ? config.config_name : 'default',
    isDefault: config.default === true,
    splits,
  };
}
