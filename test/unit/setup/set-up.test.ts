import { spawn } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test, vi } from 'vitest';
import { probeBinding, setUpTensorflow } from '../../../src/setup/index.js';
import { bindingModule } from '../../../src/tensor/binding/modules.js';
import { locateRuntime, readManifest, runtimeDir } from '../../../src/tensor/runtime.js';
import { writeJson } from '../../../src/util/files.js';
import { builtRuntimeDir, type FakeTools, fakeTools } from './fake-tools.js';

const real = builtRuntimeDir();
const withRuntime = test.skipIf(real === null);
let tools: FakeTools;
beforeEach(() => {
  tools = fakeTools(real ?? '');
});

async function setUp(options: { readonly force?: boolean; readonly signal?: AbortSignal } = {}) {
  const lines: string[] = [];
  const observer = {
    log: (line: string) => lines.push(line),
    progress: () => {},
    stepDone: () => {},
  };
  const { force = false, signal } = options;
  const { env, packageDir } = tools;
  const device = 'cpu';
  const run = setUpTensorflow({ device, force, observer, env, packageDir, signal });
  return { ...(await run), lines };
}

const found = () => locateRuntime('cpu', { root: tools.cache, packageDir: tools.packageDir });

/** Counts programs started and connections opened in this process while `work` runs. */
async function outsideContacts(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const counter = () => count++;
  const channels = ['child_process', 'net.client.socket'];
  for (const name of channels) diagnostics.subscribe(name, counter);
  try {
    await work();
  } finally {
    for (const name of channels) diagnostics.unsubscribe(name, counter);
  }
  return count;
}

withRuntime('the first call builds a runtime that works, the second finds it', async () => {
  expect(await outsideContacts(() => setUp())).toBeGreaterThan(3);
  expect(tools.calls()).toEqual(['download', 'unpack', 'compile', 'compile', 'compile']);
  const runtime = found();
  expect(runtime).toMatchObject({ source: 'wheel', version: '2.21.0', device: 'cpu' });
  await expect(probeBinding(runtime?.binding ?? '')).resolves.toMatchObject({ works: true });
  expect(readdirSync(dirname(runtimeDir('cpu', tools.cache)))).toHaveLength(1);
  expect(readdirSync(join(tools.cache, 'downloads'))).toEqual([]);

  tools.env.PATH = '';
  const second = await outsideContacts(async () => {
    expect((await setUp()).outcome).toBe('found');
  });
  expect(second).toBe(0);
  expect(tools.calls()).toHaveLength(5);
});

withRuntime('a file cut short is noticed and the runtime built anew', async () => {
  await setUp();
  const folder = runtimeDir('cpu', tools.cache);
  expect(readManifest(folder)).not.toBeNull();
  truncateSync(join(folder, bindingModule().file), 1000);
  expect(readManifest(folder)).toBeNull();
  expect((await setUp()).outcome).toBe('built');
  expect(readManifest(folder)).not.toBeNull();
});

withRuntime('modules made from other sources are compiled anew, without a download', async () => {
  await setUp();
  const folder = runtimeDir('cpu', tools.cache);
  const manifest = readManifest(folder)!;
  const { [bindingModule().file]: size, ...files } = manifest.files;
  writeJson(join(folder, 'manifest.json'), { ...manifest, files });
  expect(found()).toBeNull();
  expect((await setUp()).outcome).toBe('built');
  expect(tools.calls().slice(5)).toEqual(['compile', 'compile']);
  expect(readManifest(folder)?.files).toEqual(manifest.files);
  expect(size).toBeGreaterThan(0);
  expect((await setUp()).outcome).toBe('found');
});

withRuntime('force builds anew although all is in place', async () => {
  await setUp();
  expect((await setUp({ force: true })).outcome).toBe('built');
  expect(tools.calls().filter((call) => call === 'download')).toHaveLength(2);
});

withRuntime(
  'a failing compiler is reported with its log; the wheel is kept for the next try',
  async () => {
    tools.breakCompiler();
    await expect(setUp()).rejects.toThrow(
      /c\+\+: cannot compile stderr_capture \(exit code 1: tfjs_backend\.cc:1:1: error: broken on purpose\)\. See .*\.log/,
    );
    expect(found()).toBeNull();
    const home = dirname(runtimeDir('cpu', tools.cache));
    expect(readdirSync(home).filter((name) => !name.endsWith('.log'))).toEqual([]);
    await expect(setUp()).rejects.toThrow('cannot compile');
    expect(tools.calls().filter((call) => call === 'download')).toHaveLength(1);
  },
);

withRuntime('operations that do not compile are reported, and TensorFlow is set up', async () => {
  tools.breakCompiler('ops.cc');
  const { outcome, lines } = await setUp();
  expect(outcome).toBe('built');
  expect(lines.at(-1)).toMatch(
    /^the fused operations do not compile \(exit code 1: .*broken on purpose; see .*native-ops\.log\)/,
  );
  expect(readdirSync(runtimeDir('cpu', tools.cache)).filter((name) => /ops-/.test(name))).toEqual(
    [],
  );
});

withRuntime('a stopped set-up ends its programs and can be repeated', async () => {
  tools.hangDownloads(true);
  const stop = new AbortController();
  const stopped = setUp({ signal: stop.signal });
  await vi.waitFor(() => expect(tools.calls()).toContain('download'), 10_000);
  stop.abort('SIGINT');
  await expect(stopped).rejects.toMatchObject({ name: 'InterruptError', exitCode: 130 });
  expect(readdirSync(dirname(runtimeDir('cpu', tools.cache)))).toEqual([]);
  tools.hangDownloads(false);
  expect((await setUp()).outcome).toBe('built');
});

const CHILD = fileURLToPath(new URL('./set-up-child.ts', import.meta.url));

/** Set-up in another process; `output` grows while it runs. */
function setUpChild() {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, tools.packageDir], {
    env: tools.env,
  });
  const run = { child, output: '', ended: once(child, 'close') };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      run.output += text.toString();
    });
  }
  return run;
}

withRuntime('a killed set-up leaves nothing in the way of the next one', async () => {
  tools.hangDownloads(true);
  const killed = setUpChild();
  await vi.waitFor(() => expect(tools.calls()).toContain('download'), 30_000);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const home = dirname(runtimeDir('cpu', tools.cache));
  const left = readdirSync(home);
  expect(left.some((name) => name.endsWith('.lock'))).toBe(true);
  expect(left.some((name) => name.includes('.part-'))).toBe(true);
  tools.hangDownloads(false);
  const { outcome, lines } = await setUp();
  expect(outcome).toBe('built');
  expect(lines.join('\n')).not.toContain('waiting');
  expect(readdirSync(home)).toHaveLength(1);
});

withRuntime('of two at once one builds; the other waits, says so, and finds it', async () => {
  tools.hangDownloads(true);
  const first = setUpChild();
  await vi.waitFor(() => expect(tools.calls()).toContain('download'), 30_000);
  const second = setUpChild();
  const waiting = `another set-up (process ${first.child.pid}) is at work; waiting for it`;
  await vi.waitFor(() => expect(second.output).toContain(waiting), 30_000);
  tools.hangDownloads(false);
  await Promise.all([first.ended, second.ended]);
  expect(first.output).toContain('outcome built');
  expect(second.output).toContain('outcome found');
  expect(tools.calls().filter((call) => call === 'download')).toHaveLength(1);
});

/** Gives the package a binding of its own. */
function givePackage(install: (folder: string) => void): void {
  const folder = join(tools.packageDir, 'lib', 'napi-v8');
  mkdirSync(folder, { recursive: true });
  install(folder);
}

withRuntime("the package's own binding is used when it works, and tried only once", async () => {
  givePackage((folder) => {
    copyFileSync(join(real ?? '', bindingModule().file), join(folder, 'tfjs_binding.node'));
    symlinkSync(join(real ?? '', 'tensorflow'), join(folder, 'tensorflow'));
  });
  expect(found()).toBeNull();
  const { outcome, runtime } = await setUp();
  expect(outcome).toBe('package');
  expect(runtime).toMatchObject({ source: 'package', version: '2.21.0', stderrCapture: null });
  const again = await outsideContacts(async () => expect((await setUp()).outcome).toBe('found'));
  expect(again).toBe(0);
  expect(tools.calls()).toEqual([]);
  expect((await setUp({ force: true })).runtime.source).toBe('wheel');
});

withRuntime(
  "a binding of the package's own that does not load is passed over, with the reason",
  async () => {
    givePackage((folder) => writeFileSync(join(folder, 'tfjs_binding.node'), 'not a library'));
    const { outcome, lines } = await setUp();
    expect(outcome).toBe('built');
    expect(lines[0]).toMatch(
      /tfjs_binding\.node is not used: exit code 1: .*(invalid ELF|too short)/,
    );
  },
);

test('what is missing is named before anything is downloaded', async () => {
  rmSync(join(tools.env.PATH ?? '', 'c++'));
  await expect(setUp()).rejects.toThrow('C++ compiler: none on PATH');
  rmSync(join(tools.env.PATH ?? '', 'python3'));
  await expect(setUp()).rejects.toThrow(
    /^C\+\+ compiler: none on PATH .*, or name one in CXX; python3: not found on PATH\. Install/,
  );
  tools.env.CXX = process.execPath;
  await expect(setUp()).rejects.toThrow('python3: not found on PATH');
  expect(tools.calls()).toEqual([]);
});

test('a cache folder that cannot be written to is named', async () => {
  mkdirSync(tools.cache);
  writeFileSync(join(tools.cache, 'tensorflow'), '');
  await expect(setUp()).rejects.toThrow(`${join(tools.cache, 'tensorflow')}: cannot write there`);
});

test('device=cuda without a GPU is refused at once', async () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
  const observer = { log: () => {}, progress: () => {}, stepDone: () => {} };
  const cuda = setUpTensorflow({ device: 'cuda', force: false, observer, env: tools.env });
  await expect(cuda).rejects.toThrow(/no NVIDIA GPU is visible.*give without_gpu=true/);
  expect(existsSync(tools.cache)).toBe(false);
});

withRuntime(
  'without_gpu builds for a card that is elsewhere, which a later call finds',
  async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
    const observer = { log: () => {}, progress: () => {}, stepDone: () => {} };
    const { env, packageDir } = tools;
    const options = { device: 'cuda', force: false, observer, env, packageDir } as const;
    const { outcome, runtime } = await setUpTensorflow({ ...options, withoutGpu: true });
    expect(outcome).toBe('built');
    expect(runtime.device).toBe('cuda');
    expect(tools.calls()).toEqual(['download', 'requires', 'unpack', 'compile', 'compile']);
    const places = { root: tools.cache, packageDir };
    expect(locateRuntime('cuda', places)?.binding).toBe(runtime.binding);
    expect(locateRuntime('auto', places)).toBeNull();
    const again = await setUpTensorflow({ ...options, withoutGpu: true });
    expect(again.outcome).toBe('found');
  },
);
