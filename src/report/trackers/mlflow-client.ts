/**
 * MLflow's REST API (2.0) as far as a run needs it, with the environment of MLflow's own client:
 * MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN or MLFLOW_TRACKING_USERNAME and _PASSWORD.
 */
import { messageOf, RunError, SetupError } from '../../util/errors.js';
import { isObject, jsonIn } from '../../util/json-object.js';
import type { Env } from './tracker.js';

export interface MlflowClient {
  /** Address without a slash at its end. */
  readonly server: string;
  get(path: string, query: Readonly<Record<string, string>>): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  /** Stores a file by the server's artifact proxy. */
  upload(path: string, content: string): Promise<void>;
}

/** The server has answered with an error. */
export class MlflowError extends RunError {
  /** MLflow's `error_code`, e.g. RESOURCE_DOES_NOT_EXIST. */
  readonly code: string;

  constructor(
    where: string,
    { code, message }: { readonly code: string; readonly message: string },
  ) {
    super({ where, problem: `MLflow says ${code}: ${message}` });
    this.code = code;
  }
}

const TIMEOUT_MS = 30_000;

/** @throws SetupError when the environment names no server. */
export function mlflowClient(env: Env): MlflowClient {
  const server = (env.MLFLOW_TRACKING_URI ?? '').replace(/\/+$/, '');
  if (!/^https?:\/\//.test(server)) {
    throw new SetupError({
      where: 'report_to',
      problem: `mlflow needs the address of a server, and MLFLOW_TRACKING_URI is ${JSON.stringify(server)}`,
      remedy:
        'Set it, e.g. MLFLOW_TRACKING_URI=http://127.0.0.1:5000, or leave mlflow out of report_to',
    });
  }
  const headers = authorization(env);
  const call = async (url: string, init: RequestInit): Promise<unknown> => {
    const response = await send(url, { ...init, headers: { ...headers, ...init.headers } });
    const text = await response.text();
    if (!response.ok) throw new MlflowError(server, errorOf(response.status, text));
    return text === '' ? {} : JSON.parse(text);
  };
  const json = { 'content-type': 'application/json' };
  return {
    server,
    get: (path, query) =>
      call(`${server}/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`, { method: 'GET' }),
    post: (path, body) =>
      call(`${server}/api/2.0/mlflow/${path}`, {
        method: 'POST',
        headers: json,
        body: JSON.stringify(body),
      }),
    async upload(path, content) {
      const url = `${server}/api/2.0/mlflow-artifacts/artifacts/${encodeURI(path)}`;
      await call(url, { method: 'PUT', headers: json, body: content });
    },
  };
}

function authorization(env: Env): Record<string, string> {
  const { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: user } = env;
  if (token) return { authorization: `Bearer ${token}` };
  if (!user) return {};
  const pair = `${user}:${env.MLFLOW_TRACKING_PASSWORD ?? ''}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new SetupError({
      where: new URL(url).origin,
      problem: `MLflow does not answer (${messageOf(cause)})`,
      remedy: 'Start the server, correct MLFLOW_TRACKING_URI, or leave mlflow out of report_to',
    });
  }
}

function errorOf(status: number, text: string): { code: string; message: string } {
  const read = jsonIn(text);
  const said = isObject(read) ? read : { message: text.slice(0, 200) };
  const { error_code: code = `HTTP ${status}`, message = '' } = said as Record<string, string>;
  return { code, message };
}
