/**
 * Our own operators (src/rollout/native): the shared library that set-up compiles, loaded once per process and
 * registered with each session that uses them.
 */
import koffi, { type LibraryHandle } from 'koffi';
import { messageOf, SetupError } from '../../util/errors.js';
import { openHandles } from './api.js';
import type { Pointer } from './functions.js';
import { checkStatus, ortRuntime } from './runtime.js';
import type { TensorData } from './tensor.js';

interface PackOptions {
  /** The packed matrix is [n, k]. */
  readonly n: number;
  readonly k: number;
  readonly isPaired: boolean;
  readonly type: 'float32' | 'bfloat16';
  readonly target: TensorData;
  /** Where the block begins in it. */
  readonly row: number;
  readonly column: number;
  /** Of the block; its rows follow from its length. */
  readonly columns: number;
  /** Multiplies every element. */
  readonly scale: number;
}

export interface LoadedKernels {
  /** What products are computed with: `amx`, `avx512_bf16` or `portable`. */
  readonly products: string;
  /** Makes the operators known to a session that is about to be created. */
  register(sessionOptions: Pointer): void;
  /** Asks for huge pages behind memory that has not been touched yet. */
  hugePages(memory: TensorData): void;
  /** Lays a block [rows, columns] of a matrix out for the products. */
  pack(block: Float32Array, options: PackOptions): void;
}

const loaded = new Map<string, LoadedKernels>();

/** @throws SetupError when the library does not load or the system refuses the processor's tiles */
export function loadKernels(path: string): LoadedKernels {
  const known = loaded.get(path);
  if (known !== undefined) return known;
  // ONNX Runtime comes first: it sets how koffi calls native code.
  ortRuntime();
  const kernels = kernelsOf(openLibrary(path), path);
  loaded.set(path, kernels);
  return kernels;
}

function openLibrary(path: string): LibraryHandle {
  try {
    const library = koffi.load(path);
    openHandles.push(library);
    return library;
  } catch (error) {
    const problem = `the rollout operators do not load: ${messageOf(error)}`;
    throw new SetupError(
      { where: path, problem, remedy: 'Run lorikeet setup to compile them again' },
      { cause: error },
    );
  }
}

function kernelsOf(library: LibraryHandle, path: string): LoadedKernels {
  const products = library.func('lorikeet_products', 'const char *', [])() as string;
  if (products === '') {
    const problem =
      'the system does not let this process use the matrix registers of the processor';
    throw new SetupError({ where: path, problem, remedy: 'Use rollout precision float32' });
  }
  const register = library.func('lorikeet_register', 'void *', ['void *', 'void *']);
  const pack = library.func('lorikeet_pack', 'void', [
    ...['int', 'int', 'int', 'int', 'int', 'int', 'int', 'int', 'float'],
    ...['void *', 'void *'],
  ]);
  const hugePages = library.func('lorikeet_huge_pages', 'void', ['void *', 'size_t']);
  return {
    products,
    hugePages: (memory) => hugePages(memory, memory.byteLength),
    register(sessionOptions) {
      const { api } = ortRuntime();
      checkStatus(api, 'register operators', register(sessionOptions, api.base) as bigint | null);
    },
    pack(block, { n, k, isPaired, type, target, row, column, columns, scale }) {
      const kind = type === 'float32' ? 0 : 1;
      const rows = block.length / columns;
      pack(kind, isPaired ? 1 : 0, n, k, row, column, rows, columns, scale, block, target);
    },
  };
}
