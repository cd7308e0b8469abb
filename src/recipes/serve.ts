/**
 * `lorikeet serve`: a trained model behind OpenAI's API, on the rollout engine. Requests that come at the same
 * time are sampled together. Left out: images.
 */
import type { Server } from 'node:http';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';
import type { ServeConfig } from '../config/index.js';
import { checkSamplingParams, type SamplingParams } from '../rollout/index.js';
import { InputError } from '../util/errors.js';
import type { RecipeContext } from './context.js';
import { renderOptions } from './inputs/render-options.js';
import { checkSampling } from './sampling/check-rollouts.js';
import { filterParams, samplingParams } from './sampling/sampling-params.js';
import { openServedModels, type ServedModels } from './sampling/served-models.js';
import { createHttpServer } from './serve/http-server.js';
import { Scheduler } from './serve/scheduler.js';
import { servedConstraints } from './serve/settings.js';
import { isLoopback } from './serve/web-pages.js';

export interface RunningServer {
  /** As clients take it, `http://127.0.0.1:8000/v1`. */
  readonly baseUrl: string;
  /** Names of the models, the default one first. */
  readonly models: readonly string[];
  /** Ends open requests with an error, frees the port and the model. */
  close(): Promise<void>;
}

/** Serves until the context's signal. */
export async function runServe(config: ServeConfig, context: RecipeContext): Promise<void> {
  const server = await startServing(config, context);
  const { signal } = context;
  context.stopsInOrder?.();
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  await server.close();
}

/**
 * @throws InputError as `openModel`, for a key that is not set, and for a port that cannot be had
 */
export async function startServing(
  config: ServeConfig,
  context: RecipeContext,
): Promise<RunningServer> {
  checkSampling(config);
  checkSamplingParams(paramsOf(config));
  const apiKey = keyOf(config);
  await checkAddress(config);
  const adapters = config.adapter === null ? [] : [config.adapter].flat();
  const served = await openServedModels(config, adapters, context);
  const stop = new AbortController();
  const scheduler = new Scheduler(served);
  const server = createHttpServer({
    settings: settingsOf(config, served),
    scheduler,
    host: config.host,
    maxBody: config.max_body_kib * 1024,
    apiKey,
    signal: stop.signal,
    log: context.log,
  });
  try {
    await listen(server, config);
  } catch (error) {
    served.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}/v1`;
  const models = served.models.map(({ name }) => name);
  context.log(`serving ${models.join(', ')} at ${baseUrl}`);
  if (!isLoopback(config.host)) context.log(openTo(config, port, apiKey !== null));
  return {
    baseUrl,
    models,
    async close() {
      stop.abort();
      await scheduler.idle();
      await closed(server);
      served.close();
    },
  };
}

const paramsOf = (config: ServeConfig): SamplingParams => ({
  ...samplingParams(config, config.max_new_tokens),
  ...filterParams(config),
});

function settingsOf(config: ServeConfig, { models, maxContext }: ServedModels) {
  const params = paramsOf(config);
  const render = renderOptions(config, 'request');
  const { max_queue: maxQueue } = config;
  return { models, maxContext, params, render, maxQueue, constraintOf: servedConstraints() };
}

/** @throws InputError when the variable that is named is not set */
function keyOf({ api_key_env: name }: ServeConfig): string | null {
  if (name === null) return null;
  const key = process.env[name];
  if (key) return key;
  throw new InputError({
    where: 'api_key_env',
    problem: `${name} is not set`,
    remedy: 'Set the variable to the key that clients send, or leave api_key_env out',
  });
}

const openTo = ({ host }: ServeConfig, port: number, hasKey: boolean): string =>
  hasKey
    ? `whoever reaches ${host}:${port} and has the key can use the model`
    : `anyone who reaches ${host}:${port} can use the model; api_key_env asks for a key`;

async function listen(server: NetServer, { host, port }: ServeConfig): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve);
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError({
      where: `host=${host} port=${port}`,
      problem: code === 'EADDRINUSE' ? 'the port is in use' : `it cannot be listened on (${code})`,
      remedy: 'Give another port (0 takes a free one), or another host',
    });
  }
}

/** Before the model is loaded. @throws InputError as `listen` */
async function checkAddress(config: ServeConfig): Promise<void> {
  const probe = createServer();
  await listen(probe, config);
  await new Promise((resolve) => probe.close(resolve));
}

/** Longest time that a client may take to read the end of its answer, milliseconds. */
const FAREWELL_MS = 2000;

/** Connections that wait for another request are closed at once, those that are being answered after it. */
async function closed(server: Server): Promise<void> {
  const end = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), FAREWELL_MS);
  await end;
  clearTimeout(late);
}
