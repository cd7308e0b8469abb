/**
 * A headless Chromium for tests, driven over its debugging pipe (Chrome DevTools Protocol, messages
 * ended by NUL on file descriptors 3 and 4), so that no browser library is needed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Path of an installed Chromium, or null. */
export function findChromium(): string | null {
  for (const name of NAMES) {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    } catch {
      // not under this name
    }
  }
  return null;
}

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
}

interface Page {
  /** Messages of level error, and exceptions, since the page was opened. */
  readonly errors: readonly string[];
  /** Value of an expression, which must be JSON. */
  evaluate<T>(expression: string): Promise<T>;
  /** PNG of the whole page. */
  screenshot(): Promise<Buffer>;
}

export interface Browser {
  open(url: string, view: View): Promise<Page>;
  close(): Promise<void>;
}

type Params = Record<string, unknown>;

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: { readonly message: string };
}

export function startChromium(path: string): Browser {
  const profile = mkdtempSync(join(tmpdir(), 'lorikeet-chromium-'));
  const child = spawn(
    path,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    // A process group of its own: its helpers write into the profile as well, and must end with it.
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true },
  );
  const pipe = connect(child);
  return {
    open: (url, view) => openPage(pipe, url, view),
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid!, 'SIGKILL');
        await ended;
      }
      await removed(profile);
    },
  };
}

interface Pipe {
  send(method: string, params?: Params, sessionId?: string): Promise<Params>;
  onEvent(listener: (message: Message) => void): void;
}

/** Removes a folder into which a helper may have written its last file meanwhile. */
async function removed(dir: string): Promise<void> {
  for (let tries = 50; ; tries--) {
    try {
      rmSync(dir, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries === 0) throw error;
      await delay(100);
    }
  }
}

function connect(child: ChildProcess): Pipe {
  const input = child.stdio[3] as Writable;
  const output = child.stdio[4] as Readable;
  const waiting = new Map<number, (message: Message) => void>();
  const listeners: ((message: Message) => void)[] = [];
  let buffer = '';
  let lastId = 0;
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (buffer + chunk).split('\0');
    buffer = parts.pop() ?? '';
    for (const part of parts) {
      const message = JSON.parse(part) as Message;
      if (message.id !== undefined) waiting.get(message.id)?.(message);
      else for (const listener of listeners) listener(message);
    }
  });
  return {
    send(method, params = {}, sessionId) {
      const id = ++lastId;
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return new Promise((resolve, reject) => {
        waiting.set(id, ({ result, error }) => {
          waiting.delete(id);
          if (error === undefined) resolve(result ?? {});
          else reject(new Error(`${method}: ${error.message}`));
        });
      });
    },
    onEvent: (listener) => listeners.push(listener),
  };
}

async function openPage(pipe: Pipe, url: string, view: View): Promise<Page> {
  const { targetId } = await pipe.send('Target.createTarget', { url: 'about:blank' });
  const attached = await pipe.send('Target.attachToTarget', { targetId, flatten: true });
  const session = attached.sessionId as string;
  const send = (method: string, params: Params = {}) => pipe.send(method, params, session);
  const errors: string[] = [];
  const loaded = new Promise<void>((resolve) => {
    pipe.onEvent(({ sessionId, method, params = {} }) => {
      if (sessionId !== session) return;
      if (method === 'Page.loadEventFired') resolve();
      if (isError(method, params)) errors.push(JSON.stringify(params));
    });
  });
  for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`);
  await send('Emulation.setDeviceMetricsOverride', {
    width: view.width,
    height: view.height,
    deviceScaleFactor: 1,
    mobile: view.width < 600,
  });
  await send('Emulation.setEmulatedMedia', {
    features: [{ name: 'prefers-color-scheme', value: view.scheme }],
  });
  await send('Page.navigate', { url });
  await loaded;
  return {
    errors,
    async evaluate<T>(expression: string) {
      const { result } = await send('Runtime.evaluate', { expression, returnByValue: true });
      return (result as { value: T }).value;
    },
    async screenshot() {
      const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true });
      return Buffer.from(data as string, 'base64');
    },
  };
}

function isError(method: string | undefined, params: Params): boolean {
  if (method === 'Runtime.exceptionThrown') return true;
  if (method === 'Runtime.consoleAPICalled') return params.type === 'error';
  const entry = params.entry as { level?: string } | undefined;
  return method === 'Log.entryAdded' && entry?.level === 'error';
}
