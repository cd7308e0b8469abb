/** Repositories: what a revision holds, and its files brought into the cache. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, LorikeetError, RunError } from '../util/errors.js';
import {
  blobPath,
  cachedListing,
  linkSnapshotFile,
  lockPath,
  type RepoListing,
  snapshotDir,
  writeListing,
  writeRef,
} from './cache.js';
import { downloadBlob } from './download.js';
import { HubUnreachableError, label, notCached, type RepoRef } from './failures.js';
import { fileMeta } from './http.js';
import { isHubId, isSafePath } from './ids.js';
import { fetchListing } from './listing.js';
import type { HubSettings } from './settings.js';

/** Files fetched at the same time. */
const PARALLEL = 4;

export type Choose = (listing: RepoListing) => readonly string[];

export interface Snapshot {
  readonly dir: string;
  readonly commit: string;
  /** Chosen files, relative to `dir`. */
  readonly files: readonly string[];
}

/**
 * The snapshot folder of a revision with the files that `choose` takes from its listing. Asks the hub
 * what the revision stands for; offline, or when the hub is out of reach (then with a notice), a
 * complete snapshot in the cache serves.
 * @throws HubUnreachableError, HubNotFoundError, SetupError, RunError.
 */
export async function fetchSnapshot(
  settings: HubSettings,
  ref: RepoRef,
  choose: Choose,
): Promise<Snapshot> {
  if (!isHubId(ref.id)) {
    throw new InputError({
      problem: `"${ref.id}" is not a hub id`,
      remedy: 'Hub ids read owner/name',
    });
  }
  if (!isSafePath(ref.revision)) {
    throw new InputError({
      where: ref.id,
      problem: `"${ref.revision}" is not the name of a revision`,
      remedy: 'Revisions are branches, tags and commits',
    });
  }
  if (settings.offline) return cachedSnapshot(settings, ref, choose);
  let listing: RepoListing;
  try {
    listing = await fetchListing(settings, ref);
  } catch (error) {
    if (!(error instanceof HubUnreachableError)) throw error;
    return standIn(settings, { ref, choose, error });
  }
  const files = choose(listing);
  await fetchAll(settings, { ref, commit: listing.commit, files });
  noteCommit(settings, ref, listing);
  return { dir: snapshotDir(settings, ref, listing.commit), commit: listing.commit, files };
}

/** For offline runs. A cache that cannot be written and has all files, as several users share one, serves without. */
function noteCommit(settings: HubSettings, ref: RepoRef, listing: RepoListing): void {
  try {
    writeListing(settings, ref, listing);
    writeRef(settings, ref, listing.commit);
  } catch (error) {
    if (!(error instanceof LorikeetError)) throw error;
    settings.onNotice(`${error.message}; only an offline run would need it`);
  }
}

function standIn(
  settings: HubSettings,
  { ref, choose, error }: { ref: RepoRef; choose: Choose; error: HubUnreachableError },
): Snapshot {
  let snapshot: Snapshot;
  try {
    snapshot = cachedSnapshot(settings, ref, choose);
  } catch {
    throw error;
  }
  settings.onNotice(`${error.message}; the copy in the cache (${snapshot.commit}) is used instead`);
  return snapshot;
}

function cachedSnapshot(settings: HubSettings, ref: RepoRef, choose: Choose): Snapshot {
  const listing = cachedListing(settings, ref);
  if (listing === null) throw notCached(settings, label(ref), `revision ${ref.revision}`);
  const dir = snapshotDir(settings, ref, listing.commit);
  const files = choose(listing);
  const missing = files.filter((file) => !existsSync(join(dir, file)));
  if (missing.length > 0) throw notCached(settings, label(ref), missing.slice(0, 3).join(', '));
  return { dir, commit: listing.commit, files };
}

interface FileFetch {
  readonly ref: RepoRef;
  readonly commit: string;
  readonly files: readonly string[];
}

async function fetchAll(settings: HubSettings, { ref, commit, files }: FileFetch): Promise<void> {
  const waiting = files.filter(
    (file) => !existsSync(join(snapshotDir(settings, ref, commit), file)),
  );
  const others = new AbortController();
  const signal = AbortSignal.any([others.signal, ...(settings.signal ? [settings.signal] : [])]);
  const worker = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      await fetchFile({ ...settings, signal }, { ref, commit, path });
    }
  };
  const workers = Array.from({ length: Math.min(PARALLEL, waiting.length) }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    others.abort();
    await Promise.allSettled(workers);
    throw error;
  }
}

async function fetchFile(
  settings: HubSettings,
  { ref, commit, path }: { ref: RepoRef; commit: string; path: string },
): Promise<void> {
  const what = `${label(ref)}/${path}`;
  const url = resolveUrl(settings, { ...ref, revision: commit }, path);
  const meta = await fileMeta(settings, url, what);
  if (meta.etag === '') throw new RunError({ where: what, problem: 'the hub sent no hash (etag)' });
  const target = blobPath(settings, ref, meta.etag);
  const lock = lockPath(settings, ref, meta.etag);
  await downloadBlob(settings, { url, what, meta, target, lock });
  linkSnapshotFile(target, join(snapshotDir(settings, ref, commit), path));
}

function resolveUrl(settings: HubSettings, { kind, id, revision }: RepoRef, path: string): string {
  const prefix = kind === 'dataset' ? 'datasets/' : '';
  const file = path.split('/').map(encodeURIComponent).join('/');
  return `${settings.endpoint}/${prefix}${id}/resolve/${encodeURIComponent(revision)}/${file}`;
}
