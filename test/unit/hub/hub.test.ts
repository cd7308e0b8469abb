/** Downloads against a loopback hub: whole, broken and resumed, damaged, refused, offline, two at once. */
import { fork, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { HubNotFoundError, HubUnreachableError } from '../../../src/hub/failures.js';
import { type HubOptions, type HubProgress, resolveModelDir } from '../../../src/hub/index.js';
import { resolveModel } from '../../../src/hub/models.js';
import { InputError, RunError, SetupError } from '../../../src/util/errors.js';
import {
  etagOf,
  type HubRepo,
  type LoopbackHub,
  startLoopbackHub,
} from '../../support/loopback-hub.js';
import { temporaryFolder } from '../../support/temporary.js';

const COMMIT = 'a'.repeat(40);
const WEIGHTS = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251));
const CONFIG = Buffer.from('{"model_type":"llama"}');

let hub: LoopbackHub;

beforeEach(async () => {
  hub = await startLoopbackHub({
    'models/tiny/llama': {
      commit: COMMIT,
      files: {
        'config.json': { bytes: CONFIG },
        'model.safetensors': { bytes: WEIGHTS, large: true },
        'onnx/model.onnx': { bytes: Buffer.from('not wanted') },
        'pytorch_model.bin': { bytes: Buffer.from('not wanted') },
      },
    },
  });
});

const options = (more: HubOptions = {}) => hub.options(more);

function tinyRepo(): HubRepo {
  const repo = hub.repos['models/tiny/llama'];
  if (repo === undefined) throw new Error('the repository is gone');
  return repo;
}

const gets = () =>
  hub.requests.filter(({ method, path }) => method === 'GET' && !path.startsWith('/api'));
const storageGets = () => gets().filter(({ storage }) => storage);
const repoDir = () => join(hub.cacheDir, 'models--tiny--llama');

describe('a download', () => {
  it('clears away what a killed process has left of a file', async () => {
    const dir = join(repoDir(), 'snapshots', COMMIT);
    mkdirSync(dir, { recursive: true });
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const pid of [gone, process.ppid]) {
      symlinkSync('../../blobs/none', join(dir, `config.json.${pid}.0123abcd.part`));
    }
    await resolveModel('tiny/llama', options());
    const living = `config.json.${process.ppid}.0123abcd.part`;
    expect(readdirSync(dir).sort()).toEqual(['config.json', living, 'model.safetensors']);
  });

  it('brings the wanted files in the layout of the shared cache', async () => {
    const { dir } = await resolveModel('tiny/llama', options());
    expect(dir).toBe(join(repoDir(), 'snapshots', COMMIT));
    expect(readdirSync(dir).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(readFileSync(join(dir, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
    const blobs = [etagOf({ bytes: CONFIG }), etagOf({ bytes: WEIGHTS, large: true })];
    expect(readdirSync(join(repoDir(), 'blobs')).sort()).toEqual(blobs.sort());
    expect(readFileSync(join(repoDir(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
  });

  it('asks only for the listing when everything is there', async () => {
    await resolveModel('tiny/llama', options());
    hub.requests.length = 0;
    await resolveModel('tiny/llama', options());
    expect(hub.requests.map(({ path }) => path)).toEqual(['/api/models/tiny/llama/revision/main']);
  });

  it('says so and serves where the cache has all files and cannot be written', async () => {
    const first = await resolveModel('tiny/llama', options());
    for (const name of ['refs', 'listings']) {
      rmSync(join(repoDir(), name), { recursive: true });
      writeFileSync(join(repoDir(), name), '');
    }
    const notices: string[] = [];
    const onNotice = (notice: string) => notices.push(notice);
    const again = await resolveModel('tiny/llama', options({ onNotice }));
    expect(again.dir).toBe(first.dir);
    expect(notices).toEqual([
      expect.stringMatching(/listings: .*; only an offline run would need/),
    ]);
  });

  it('takes only allowed files', async () => {
    const { dir } = await resolveModel('tiny/llama', { ...options(), allow: ['*.json'] });
    expect(readdirSync(dir)).toEqual(['config.json']);
  });

  it('lists the files by the tree, page by page, when the repository does not name them', async () => {
    const repo = tinyRepo();
    repo.filesInTree = true;
    const { dir } = await resolveModel('tiny/llama', options());
    expect(readdirSync(dir).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(hub.requests.filter(({ path }) => path.includes('/tree/')).length).toBe(4);
  });

  it('reports bytes up to the total', async () => {
    const seen: HubProgress[] = [];
    await resolveModel('tiny/llama', options({ onProgress: (progress) => seen.push(progress) }));
    const weights = seen.filter(({ file }) => file === 'tiny/llama/model.safetensors');
    expect(weights[0]).toMatchObject({ received: 0, total: WEIGHTS.byteLength });
    expect(weights.at(-1)).toMatchObject({
      received: WEIGHTS.byteLength,
      total: WEIGHTS.byteLength,
    });
  });

  it('fetches a new commit, and keeps blobs that did not change', async () => {
    await resolveModel('tiny/llama', options());
    const repo = tinyRepo();
    repo.commit = 'b'.repeat(40);
    repo.files['config.json'] = { bytes: Buffer.from('{"model_type":"qwen2"}') };
    hub.requests.length = 0;
    const { dir } = await resolveModel('tiny/llama', options());
    expect(dir).toBe(join(repoDir(), 'snapshots', 'b'.repeat(40)));
    expect(readFileSync(join(dir, 'config.json'), 'utf8')).toContain('qwen2');
    expect(storageGets()).toEqual([]);
    expect(readFileSync(join(repoDir(), 'snapshots', COMMIT, 'config.json'), 'utf8')).toContain(
      'llama',
    );
  });
});

describe('a broken download', () => {
  const half = WEIGHTS.byteLength / 2;

  function breakOnce(): void {
    let broken = false;
    hub.fault = ({ storage }) => {
      if (!storage || broken) return undefined;
      broken = true;
      return { breakAfter: half };
    };
  }

  it('goes on where it broke within one call', async () => {
    breakOnce();
    const { dir } = await resolveModel('tiny/llama', options());
    expect(readFileSync(join(dir, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
    expect(storageGets().map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`]);
  });

  it('goes on where an earlier call broke', async () => {
    breakOnce();
    const first = resolveModel('tiny/llama', options({ attempts: 1 }));
    await expect(first).rejects.toThrow(HubUnreachableError);
    expect(readdirSync(join(repoDir(), 'blobs')).some((name) => name.endsWith('.incomplete'))).toBe(
      true,
    );
    const { dir } = await resolveModel('tiny/llama', options());
    expect(readFileSync(join(dir, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
    expect(storageGets().at(-1)?.range).toBe(`bytes=${half}-`);
    expect(readdirSync(join(repoDir(), 'blobs')).some((name) => name.endsWith('.incomplete'))).toBe(
      false,
    );
  });

  it('stops when told to, with the reason given, and goes on later', async () => {
    const stop = new AbortController();
    const onProgress = ({ file, received }: HubProgress) => {
      if (file.endsWith('model.safetensors') && received > 0) stop.abort(new Error('enough'));
    };
    const stopped = resolveModel('tiny/llama', options({ signal: stop.signal, onProgress }));
    await expect(stopped).rejects.toThrow('enough');
    const { dir } = await resolveModel('tiny/llama', options());
    expect(readFileSync(join(dir, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
    expect(storageGets().at(-1)?.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('stops while it waits between tries', async () => {
    hub.fault = () => ({ status: 503 });
    const signal = AbortSignal.timeout(50);
    const stopped = resolveModel('tiny/llama', options({ signal, retryDelayMs: 60_000 }));
    await expect(stopped).rejects.toThrow(/timeout/);
  });

  it('starts again when the server ignores ranges', async () => {
    breakOnce();
    hub.ranges = false;
    const { dir } = await resolveModel('tiny/llama', options());
    expect(readFileSync(join(dir, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
    expect(storageGets().length).toBe(2);
  });

  it('does not reuse a part of another version of the file', async () => {
    breakOnce();
    await expect(resolveModel('tiny/llama', options({ attempts: 1 }))).rejects.toThrow();
    const repo = tinyRepo();
    const changed = Buffer.from(WEIGHTS).fill(9);
    repo.files['model.safetensors'] = { bytes: changed, large: true };
    repo.commit = 'c'.repeat(40);
    const { dir } = await resolveModel('tiny/llama', options());
    expect(readFileSync(join(dir, 'model.safetensors')).equals(changed)).toBe(true);
    expect(storageGets().at(-1)?.range).toBeUndefined();
  });

  it('survives more breaks than tries as long as bytes arrive', async () => {
    hub.fault = ({ storage }) => (storage ? { breakAfter: WEIGHTS.byteLength / 10 } : undefined);
    let count = 0;
    const inner = hub.fault;
    hub.fault = (request) => (request.storage && ++count > 8 ? undefined : inner(request));
    const { dir } = await resolveModel('tiny/llama', options({ attempts: 2 }));
    expect(readFileSync(join(dir, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
  });

  it('throws away a damaged part and says so when it stays damaged', async () => {
    await resolveModel('tiny/llama', options());
    const [blob] = readdirSync(join(repoDir(), 'blobs')).filter((name) => name.length === 64);
    rmSync(join(repoDir(), 'snapshots'), { recursive: true });
    rmSync(join(repoDir(), 'blobs', blob as string));
    writeFileSync(join(repoDir(), 'blobs', `${blob}.lorikeet.incomplete`), 'damaged bytes');
    const { dir } = await resolveModel('tiny/llama', options());
    expect(readFileSync(join(dir, 'model.safetensors')).equals(WEIGHTS)).toBe(true);

    rmSync(join(repoDir(), 'snapshots'), { recursive: true });
    rmSync(join(repoDir(), 'blobs', blob as string));
    hub.fault = (request) =>
      request.method === 'HEAD' && request.path.endsWith('model.safetensors')
        ? { status: 302, headers: { 'x-linked-etag': 'f'.repeat(64), location: '/gone' } }
        : undefined;
    const again = resolveModel('tiny/llama', options());
    await expect(again).rejects.toThrow(
      /the download is damaged: its hash is [0-9a-f]{64}, the hub says f{64}/,
    );
    await expect(again).rejects.toBeInstanceOf(RunError);
  });
});

describe('server trouble', () => {
  it('tries again after 503, 425, 429 and a silent server', async () => {
    const faults = [
      { status: 503 },
      { status: 425 },
      { status: 429, headers: { 'retry-after': '0' } },
      { hang: true as const },
    ];
    hub.fault = () => faults.shift();
    const { dir } = await resolveModel('tiny/llama', options({ timeoutMs: 200 }));
    expect(readdirSync(dir)).toContain('model.safetensors');
    expect(faults).toEqual([]);
  });

  it('gives up after the tries allowed, with the remedy', async () => {
    hub.fault = () => ({ status: 503 });
    const failed = resolveModel('tiny/llama', options({ attempts: 3 }));
    await expect(failed).rejects.toThrow(
      `tiny/llama: ${hub.endpoint} could not be reached (it answered 503). Check the network, set HF_ENDPOINT to a mirror, or use a local folder or file`,
    );
    expect(hub.requests.length).toBe(3);
  });

  it('says what to do without a server, as a set-up error', async () => {
    await hub.close();
    const failed = resolveModelDir('tiny/llama', options());
    await expect(failed).rejects.toThrow(
      /no local folder "tiny\/llama".*\(ECONNREFUSED\).*set HF_ENDPOINT/,
    );
    await expect(failed).rejects.toBeInstanceOf(SetupError);
  });

  it('says that a port is blocked', async () => {
    const failed = resolveModelDir('tiny/llama', options({ endpoint: 'http://127.0.0.1:1' }));
    await expect(failed).rejects.toThrow(
      /\(bad port\)\. Give the server another port: Node blocks/,
    );
  });

  it('says that Node leaves a proxy aside where one is set', async () => {
    await hub.close();
    vi.stubEnv('HTTPS_PROXY', 'http://proxy:3128');
    // Nothing listens there, and it does not look like an address of this machine.
    const endpoint = hub.endpoint.replace('http://127.0.0.1', 'https://0.0.0.0');
    const asked = () => resolveModel('tiny/llama', options({ endpoint }));
    const hint = 'HTTPS_PROXY is read with NODE_USE_ENV_PROXY=1 only';
    await expect(asked()).rejects.toThrow(hint);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    await expect(asked()).rejects.not.toThrow(hint);
  });

  it('uses a complete cache when the server is gone, and says so', async () => {
    const { dir } = await resolveModel('tiny/llama', options());
    await hub.close();
    const notices: string[] = [];
    const again = await resolveModel(
      'tiny/llama',
      options({ onNotice: (text) => notices.push(text) }),
    );
    expect(again).toEqual({ dir, commit: COMMIT });
    expect(notices).toEqual([expect.stringContaining(`the copy in the cache (${COMMIT}) is used`)]);
  });
});

describe('the cache folder', () => {
  it('that cannot be made is named with its remedy', async () => {
    const file = join(hub.cacheDir, 'file');
    writeFileSync(file, '');
    const failed = resolveModel('tiny/llama', options({ cacheDir: join(file, 'cache') }));
    await expect(failed).rejects.toThrow(/cannot be written \(ENOTDIR\)\. Set HF_HUB_CACHE/);
    await expect(failed).rejects.toBeInstanceOf(SetupError);
  });
});

describe('access', () => {
  it('names HF_TOKEN when there is none or a wrong one, and gets in with the right one', async () => {
    const repo = tinyRepo();
    repo.token = 'hf_right';
    const none = resolveModel('tiny/llama', options());
    await expect(none).rejects.toThrow(/access is restricted \(401\).*HF_TOKEN.*no token is set/);
    await expect(none).rejects.toBeInstanceOf(SetupError);
    const wrong = resolveModel('tiny/llama', options({ token: 'hf_wrong' }));
    await expect(wrong).rejects.toThrow(/HF_TOKEN.*the token in use was refused/);
    await expect(wrong).rejects.not.toThrow(/hf_wrong/);
    const { dir } = await resolveModel('tiny/llama', options({ token: 'hf_right' }));
    expect(readdirSync(dir)).toContain('model.safetensors');
  });

  it('never sends the token to another origin', async () => {
    await resolveModel('tiny/llama', options({ token: 'hf_secret' }));
    expect(storageGets().map(({ authorization }) => authorization)).toEqual([undefined]);
    const atHub = hub.requests.filter(({ storage }) => !storage);
    expect(new Set(atHub.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer hf_secret']),
    );
  });

  it('tells a missing repository from one without safetensors', async () => {
    await expect(resolveModel('tiny/none', options())).rejects.toThrow(
      /tiny\/none: no such repository/,
    );
    await expect(resolveModel('tiny/none', options())).rejects.toBeInstanceOf(HubNotFoundError);
    hub.repos['models/tiny/old'] = {
      commit: COMMIT,
      files: { 'config.json': { bytes: CONFIG }, 'pytorch_model.bin': { bytes: CONFIG } },
    };
    const old = resolveModel('tiny/old', options());
    await expect(old).rejects.toThrow(
      'tiny/old: it has no weights as safetensors (only e.g. pytorch_model.bin)',
    );
    await expect(old).rejects.toBeInstanceOf(InputError);
  });

  it.each(['../up', '..'])('refuses a server that is no hub: commit %s', async (commit) => {
    hub.repos['models/tiny/odd'] = { commit, files: {} };
    await expect(resolveModel('tiny/odd', options())).rejects.toThrow(
      /tiny\/odd: .* does not describe a repository \(no "sha"\)\. Check that HF_ENDPOINT/,
    );
  });

  it('ignores file names that leave the folder', async () => {
    const repo = tinyRepo();
    repo.files['../../escape.json'] = { bytes: CONFIG };
    await resolveModel('tiny/llama', { ...options(), allow: ['**'] });
    expect(hub.requests.some(({ path }) => path.includes('escape'))).toBe(false);
  });
});

describe('offline', () => {
  it('serves what is complete in the cache without a request', async () => {
    const { dir } = await resolveModel('tiny/llama', options());
    hub.requests.length = 0;
    const again = await resolveModel('tiny/llama', options({ offline: true }));
    expect(again).toEqual({ dir, commit: COMMIT });
    expect(hub.requests).toEqual([]);
  });

  it('names what is missing', async () => {
    await expect(resolveModel('tiny/llama', options({ offline: true }))).rejects.toThrow(
      /tiny\/llama: revision main is not in the cache.*Unset HF_HUB_OFFLINE/,
    );
    const { dir } = await resolveModel('tiny/llama', options());
    rmSync(join(dir, 'model.safetensors'));
    await expect(resolveModel('tiny/llama', options({ offline: true }))).rejects.toThrow(
      /tiny\/llama: model\.safetensors is not in the cache/,
    );
  });

  it('says of a snapshot that another client has begun what is missing', async () => {
    const { dir } = await resolveModel('tiny/llama', options());
    rmSync(join(dir, '..', '..', 'listings'), { recursive: true });
    rmSync(join(dir, 'model.safetensors'));
    await expect(resolveModel('tiny/llama', options({ offline: true }))).rejects.toThrow(
      /tiny\/llama: model\.safetensors is not in the cache.*Unset HF_HUB_OFFLINE/,
    );
  });

  it('does not take a broken download for a model', async () => {
    hub.fault = ({ storage }) => (storage ? { breakAfter: 1000 } : undefined);
    await expect(resolveModel('tiny/llama', options({ attempts: 1 }))).rejects.toThrow();
    await expect(resolveModel('tiny/llama', options({ offline: true }))).rejects.toThrow(
      /not in the cache/,
    );
  });
});

describe('two at once', () => {
  it('download a file once, in one process and in two', async () => {
    const both = await Promise.all([
      resolveModel('tiny/llama', options()),
      resolveModel('tiny/llama', options()),
    ]);
    expect(both[0]).toEqual(both[1]);
    expect(storageGets().length).toBe(1);

    const other = temporaryFolder();
    hub.requests.length = 0;
    const run = () =>
      new Promise<string>((resolve, reject) => {
        const child = fork(join(import.meta.dirname, 'resolve-child.ts'), ['tiny/llama'], {
          execArgv: ['--import', 'tsx'],
          env: {
            ...process.env,
            HF_ENDPOINT: hub.endpoint,
            HF_HUB_CACHE: other,
            HF_HUB_OFFLINE: '0',
          },
        });
        child.once('message', (message) => resolve(String(message)));
        child.once('exit', (code) => reject(new Error(`exit ${code} without a message`)));
      });
    const dirs = await Promise.all([run(), run()]);
    expect(dirs).toEqual([dirs[0], dirs[0]]);
    expect(readFileSync(join(dirs[0], 'model.safetensors')).equals(WEIGHTS)).toBe(true);
    expect(storageGets().length).toBe(1);
  });
});

describe('resolveModelDir', () => {
  it('prefers a folder, and refuses a file and a path that is nowhere', async () => {
    const dir = hub.cacheDir;
    expect(await resolveModelDir(dir, options())).toEqual({ dir, commit: null });
    expect(hub.requests).toEqual([]);
    await expect(resolveModelDir('./no/such/folder', options())).rejects.toThrow(
      'model: no folder "./no/such/folder"',
    );
    const file = join(hub.cacheDir, 'file');
    writeFileSync(file, '');
    await expect(resolveModelDir(file, options())).rejects.toThrow(/is a file, not a folder/);
    const weights = join(hub.cacheDir, 'model.safetensors');
    writeFileSync(weights, '');
    await expect(resolveModelDir(weights, options())).rejects.toThrow(`weights, here ${dir}`);
    const gguf = join(hub.cacheDir, 'model.gguf');
    writeFileSync(gguf, '');
    await expect(resolveModelDir(gguf, options())).rejects.toThrow('GGUF is written, not read');
    await expect(
      resolveModelDir('https://huggingface.co/org/name/tree/main', options()),
    ).rejects.toThrow('a run folder, or a hub id such as org/name');
  });
});
