/**
 * The hub's cache layout, shared with its other clients:
 *
 *   <cache>/models--owner--name/blobs/<etag>            the bytes, named by their hash
 *                              /refs/<revision>         the commit it stands for
 *                              /snapshots/<commit>/...  links to the blobs
 *                              /listings/<commit>.json  ours: all files of that commit, so that an
 *                                                       offline run can tell a complete snapshot
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { partPath, removePartsOf } from '../util/atomic-file.js';
import { sha256, writeFileAtomic, writeJson } from '../util/files.js';
import { readRecord } from '../util/own-files.js';
import type { RepoRef } from './failures.js';
import { cacheFolderName } from './ids.js';
import type { HubSettings } from './settings.js';

/** What a commit of a repository holds. */
export interface RepoListing {
  readonly commit: string;
  readonly files: readonly string[];
  /** The `configs` of a data set's card: which files make which split. */
  readonly configs: readonly DatasetCardConfig[];
  /** Only what another client has put into the cache: the commit may hold more. */
  readonly isPart?: boolean;
}

export interface DatasetCardConfig {
  readonly name: string;
  readonly isDefault: boolean;
  /** Split to glob patterns. */
  readonly splits: Readonly<Record<string, readonly string[]>>;
}

function repoFolder(settings: HubSettings, { kind, id }: RepoRef): string {
  return join(settings.cacheDir, cacheFolderName(kind, id));
}

export function snapshotDir(settings: HubSettings, ref: RepoRef, commit: string): string {
  return join(repoFolder(settings, ref), 'snapshots', commit);
}

/** Etags are hashes; anything else from a server is hashed to a safe name. */
export function blobPath(settings: HubSettings, ref: RepoRef, etag: string): string {
  const name = /^[0-9a-zA-Z-]{8,128}$/.test(etag) ? etag : sha256(etag);
  return join(repoFolder(settings, ref), 'blobs', name);
}

export function lockPath(settings: HubSettings, ref: RepoRef, etag: string): string {
  return join(
    settings.cacheDir,
    '.locks',
    cacheFolderName(ref.kind, ref.id),
    `${sha256(etag)}.lorikeet`,
  );
}

/** A whole one: its name is never that of a branch. */
export const COMMIT = /^[0-9a-f]{40}$/;

/** The commit that a revision stood for when it was last downloaded whole. */
function cachedCommit(settings: HubSettings, ref: RepoRef): string | null {
  if (COMMIT.test(ref.revision)) return ref.revision;
  const path = join(repoFolder(settings, ref), 'refs', ref.revision);
  const isRef = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return isRef ? readFileSync(path, 'utf8').trim() : null;
}

export function writeRef(settings: HubSettings, ref: RepoRef, commit: string): void {
  if (commit === ref.revision) return;
  writeFileAtomic(join(repoFolder(settings, ref), 'refs', ref.revision), commit);
}

function listingPath(settings: HubSettings, ref: RepoRef, commit: string): string {
  return join(repoFolder(settings, ref), 'listings', `${commit}.json`);
}

export function writeListing(settings: HubSettings, ref: RepoRef, listing: RepoListing): void {
  writeJson(listingPath(settings, ref, listing.commit), listing);
}

/** The saved listing; for a snapshot made by another client, what lies in it. */
export function cachedListing(settings: HubSettings, ref: RepoRef): RepoListing | null {
  const commit = cachedCommit(settings, ref);
  if (commit === null) return null;
  const path = listingPath(settings, ref, commit);
  if (existsSync(path)) {
    return readRecord<RepoListing>(path, {
      fields: { commit: 'string', files: 'list', configs: 'list' },
      remedy: 'Delete it; the hub is asked again',
    });
  }
  const folder = snapshotDir(settings, ref, commit);
  if (!existsSync(folder)) return null;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
    .map((name) => name.replaceAll('\\', '/'));
  return { commit, files, configs: [], isPart: true };
}

/**
 * Puts a blob at its name in the snapshot: a link, or a copy where links cannot be made. What a process that was
 * killed here has left of the same file goes.
 */
export function linkSnapshotFile(blob: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  removePartsOf([target]);
  const part = partPath(target);
  try {
    symlinkSync(relative(dirname(target), blob), part);
  } catch {
    rmSync(part, { force: true });
    copyFileSync(blob, part);
  }
  renameSync(part, target);
}
