/**
 * A hub on loopback with the real one's paths: listings, HEAD and GET of files, redirects of large files
 * to a second server (another origin, as the hub's storage is), ranges, tokens, and faults on demand.
 */
import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { HubOptions } from '../../src/hub/index.js';
import { type Loopback, onLoopback } from './loopback.js';
import { temporaryFolder } from './temporary.js';

export interface HubFile {
  readonly bytes: Buffer;
  /** Large files are redirected to storage and named by SHA-256, others by git's blob SHA-1. */
  readonly large?: boolean;
}

export interface HubRepo {
  commit: string;
  files: Record<string, HubFile>;
  /** Token needed to read it. */
  token?: string;
  cardData?: unknown;
  /** The listing names no files; they are in the tree, one file a page. */
  filesInTree?: boolean;
}

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** Whether it came to the storage server. */
  readonly storage: boolean;
}

/** What to do instead of answering well. */
type Fault =
  | { readonly status: number; readonly headers?: Record<string, string> }
  | { readonly breakAfter: number }
  | { readonly hang: true };

export interface LoopbackHub {
  readonly endpoint: string;
  /** Of its clients; empty at first. */
  readonly cacheDir: string;
  /** What a client of it is told, which waits little before it asks again. */
  options(more?: HubOptions): HubOptions;
  readonly requests: SeenRequest[];
  /** Keys `models/owner/name` and `datasets/owner/name`, revision after `@` when it is not main. */
  readonly repos: Record<string, HubRepo>;
  /** Asked before each answer. */
  fault: (request: SeenRequest) => Fault | undefined;
  /** Storage ignores ranges when false. */
  ranges: boolean;
  close(): Promise<void>;
}

export function etagOf({ bytes, large }: HubFile): string {
  if (large) return createHash('sha256').update(bytes).digest('hex');
  return createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
}

const listen = (handler: RequestListener): Promise<Loopback> => onLoopback(createServer(handler));

export async function startLoopbackHub(repos: Record<string, HubRepo>): Promise<LoopbackHub> {
  const requests: SeenRequest[] = [];
  const stored = new Map<string, Buffer>();
  const state = { fault: (_: SeenRequest): Fault | undefined => undefined, ranges: true };

  const serve = (storage: boolean, answer: (req: IncomingMessage, res: ServerResponse) => void) =>
    listen((req, res) => {
      const { range, authorization } = req.headers;
      const seen = { method: req.method ?? '', path: req.url ?? '', range, authorization, storage };
      requests.push(seen);
      const fault = state.fault(seen);
      if (fault === undefined) return answer(req, res);
      if ('hang' in fault) return;
      if ('status' in fault) return void res.writeHead(fault.status, fault.headers).end();
      breakAfter.set(res, fault.breakAfter);
      answer(req, res);
    });
  const breakAfter = new WeakMap<ServerResponse, number>();

  const sendBytes = (req: IncomingMessage, res: ServerResponse, bytes: Buffer) => {
    const wanted = state.ranges ? /^bytes=(\d+)-$/.exec(req.headers.range ?? '')?.[1] : undefined;
    const start = wanted === undefined ? 0 : Number(wanted);
    if (start >= bytes.byteLength && wanted !== undefined) return void res.writeHead(416).end();
    const part = bytes.subarray(start);
    if (wanted !== undefined) {
      res.setHeader('content-range', `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}`);
    }
    res.writeHead(wanted === undefined ? 200 : 206, { 'content-length': part.byteLength });
    const limit = breakAfter.get(res);
    if (limit === undefined || req.method === 'HEAD')
      return void res.end(req.method === 'HEAD' ? undefined : part);
    res.write(part.subarray(0, limit), () => setTimeout(() => res.destroy(), 200));
  };

  const storage = await serve(true, (req, res) => {
    const bytes = stored.get(decodeURIComponent(req.url ?? ''));
    if (bytes === undefined) return void res.writeHead(404).end();
    sendBytes(req, res, bytes);
  });

  const hub = await serve(false, (req, res) => {
    const path = decodeURIComponent(req.url ?? '');
    const found = route(repos, path);
    if (found === null) {
      const code = isKnown(repos, path) ? 'RevisionNotFound' : 'RepoNotFound';
      return void res.writeHead(404, { 'x-error-code': code }).end();
    }
    const { repo, file, tree } = found;
    if (repo.token !== undefined && req.headers.authorization !== `Bearer ${repo.token}`) {
      return void res.writeHead(401, { 'x-error-code': 'GatedRepo' }).end();
    }
    if (tree !== undefined) {
      const names = Object.keys(repo.files);
      const page = Number(/cursor=(\d+)/.exec(path)?.[1] ?? 0);
      const next = `${hub.address}${path.replace(/&cursor.*/, '')}&cursor=${page + 1}`;
      if (page + 1 < names.length) res.setHeader('link', `<${next}>; rel="next"`);
      const bytes = repo.files[names[page] ?? '']?.bytes ?? Buffer.alloc(0);
      const oid = etagOf({ bytes });
      const size = bytes.byteLength;
      return void res.end(JSON.stringify([{ type: 'file', path: names[page], size, oid }]));
    }
    if (file === null) {
      const siblings = Object.keys(repo.files).map((rfilename) => ({ rfilename }));
      const id = path.split('/').slice(3, -2).join('/');
      const info = {
        id,
        sha: repo.commit,
        cardData: repo.cardData,
        ...(repo.filesInTree ? {} : { siblings }),
      };
      return void res.setHeader('content-type', 'application/json').end(JSON.stringify(info));
    }
    const entry = repo.files[file];
    if (entry === undefined)
      return void res.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    res.setHeader('x-repo-commit', repo.commit);
    if (!entry.large) {
      res.setHeader('etag', `"${etagOf(entry)}"`);
      return sendBytes(req, res, entry.bytes);
    }
    stored.set(`/${etagOf(entry)}`, entry.bytes);
    res.setHeader('x-linked-etag', `"${etagOf(entry)}"`);
    res.setHeader('x-linked-size', String(entry.bytes.byteLength));
    res.writeHead(302, { location: `${storage.address}/${etagOf(entry)}` }).end();
  });

  const endpoint = hub.address;
  const cacheDir = temporaryFolder();
  return Object.assign(state, {
    endpoint,
    cacheDir,
    options: (more: HubOptions = {}) => ({
      ...{ endpoint, cacheDir, token: null, offline: false, retryDelayMs: 5 },
      ...more,
    }),
    requests,
    repos,
    close: async () => {
      for (const server of [hub, storage]) await server.close();
    },
  });
}

interface Route {
  readonly repo: HubRepo;
  /** null: the repository itself. */
  readonly file: string | null;
  readonly tree?: true;
}

/** Whether a path is of a repository that is there, at whatever revision. */
function isKnown(repos: Record<string, HubRepo>, path: string): boolean {
  const id = /^\/api\/((?:models|datasets)\/.+?)\/revision\//.exec(path)?.[1];
  return Object.keys(repos).some((name) => name.split('@')[0] === id);
}

function route(repos: Record<string, HubRepo>, path: string): Route | null {
  const byRevision = (key: string, revision: string) =>
    Object.entries(repos).find(
      ([name, repo]) =>
        name === (revision === 'main' ? key : `${key}@${revision}`) ||
        (name.split('@')[0] === key && repo.commit === revision),
    )?.[1];
  const api = /^\/api\/(models|datasets)\/(.+?)\/(revision|tree)\/([^?]+)/.exec(path);
  if (api !== null) {
    const repo = byRevision(`${api[1]}/${api[2]}`, api[4] as string);
    if (repo === undefined) return null;
    return api[3] === 'tree' ? { repo, file: null, tree: true } : { repo, file: null };
  }
  const resolve = /^\/(datasets\/)?(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(path);
  if (resolve === null) return null;
  const repo = byRevision(`${resolve[1] ?? 'models/'}${resolve[2]}`, resolve[3] as string);
  return repo === undefined ? null : { repo, file: resolve[4] as string };
}
