/**
 * Adapters on a server that loads them while it runs (vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING). The files
 * go into a folder that the server sees, named by their content, so that a name never means two adapters.
 */
import { join } from 'node:path';
import { type Endpoint, EndpointError } from '../../endpoint/index.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, adapterHash, writeAdapter } from '../../weights/index.js';

const servedName = (hash: string): string => `lorikeet-${hash.slice(0, 16)}`;

/**
 * @returns the name that requests for the adapter go to
 * @throws InputError without a folder; EndpointError when the server refuses
 */
export async function loadAdapter(
  endpoint: Endpoint,
  { adapter, dir }: { readonly adapter: Adapter; readonly dir: string | null | undefined },
): Promise<string> {
  if (dir == null) {
    throw new InputError({
      where: 'adapter_dir',
      problem: 'the server needs a folder to load the adapter from',
      remedy: 'Give adapter_dir, a folder that the server sees under the same path',
    });
  }
  const name = servedName(adapterHash(adapter));
  const path = join(dir, name);
  writeAdapter(path, adapter);
  try {
    await endpoint.post('/load_lora_adapter', { lora_name: name, lora_path: path }, TEXT);
  } catch (error) {
    const isThere = error instanceof EndpointError && /already.*loaded/i.test(error.message);
    if (!isThere) throw error;
  }
  return name;
}

export async function unloadAdapter(endpoint: Endpoint, name: string): Promise<void> {
  await endpoint.post('/unload_lora_adapter', { lora_name: name }, TEXT);
}

/** The server answers in words. */
const TEXT = { answersText: true } as const;
