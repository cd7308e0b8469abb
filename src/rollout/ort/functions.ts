/**
 * The functions of ONNX Runtime's C API that are in use, as a table whose order never changes
 * (onnxruntime_c_api.h: new ones are appended): their positions and types are listed here.
 */
import koffi from 'koffi';
import { SetupError } from '../../util/errors.js';

/** Address of a native object. */
export type Pointer = bigint;
/** A native `OrtStatus`; null means success. */
export type Status = Pointer | null;
/** Receives one pointer from a function. */
export type OutCell = BigUint64Array;

type Async<Args extends readonly unknown[]> = {
  (...args: Args): Status;
  async(...args: [...Args, (error: Error | null, status: Status) => void]): void;
};

/** The functions in use; argument order as in the C header. */
export interface OrtFunctions {
  readonly GetErrorMessage: (status: Pointer) => string;
  readonly ReleaseStatus: (status: Pointer) => void;
  readonly CreateEnv: (logLevel: number, name: string, out: OutCell) => Status;
  readonly GetBuildInfoString: () => string;

  readonly CreateArenaCfgV2: (
    keys: readonly string[],
    values: BigUint64Array,
    count: number,
    out: OutCell,
  ) => Status;
  readonly ReleaseArenaCfg: (config: Pointer) => void;
  readonly CreateAndRegisterAllocatorV2: (
    env: Pointer,
    provider: string,
    memory: Pointer,
    arena: Pointer,
    keys: readonly string[],
    values: readonly string[],
    count: number,
  ) => Status;
  readonly UnregisterAllocator: (env: Pointer, memory: Pointer) => Status;

  readonly CreateSessionOptions: (out: OutCell) => Status;
  readonly ReleaseSessionOptions: (options: Pointer) => void;
  readonly SetSessionExecutionMode: (options: Pointer, mode: number) => Status;
  readonly DisableMemPattern: (options: Pointer) => Status;
  readonly SetSessionLogSeverityLevel: (options: Pointer, level: number) => Status;
  readonly SetSessionGraphOptimizationLevel: (options: Pointer, level: number) => Status;
  readonly SetIntraOpNumThreads: (options: Pointer, threads: number) => Status;
  readonly SetInterOpNumThreads: (options: Pointer, threads: number) => Status;
  readonly AddSessionConfigEntry: (options: Pointer, key: string, value: string) => Status;
  readonly SessionOptionsAppendExecutionProvider: (
    options: Pointer,
    name: string,
    keys: readonly string[],
    values: readonly string[],
    count: number,
  ) => Status;

  readonly CreateCUDAProviderOptions: (out: OutCell) => Status;
  readonly UpdateCUDAProviderOptions: (
    options: Pointer,
    keys: readonly string[],
    values: readonly string[],
    count: number,
  ) => Status;
  readonly SessionOptionsAppendExecutionProvider_CUDA_V2: (
    options: Pointer,
    cuda: Pointer,
  ) => Status;
  readonly ReleaseCUDAProviderOptions: (options: Pointer) => void;

  readonly CreateSessionFromArray: (
    env: Pointer,
    model: Uint8Array,
    bytes: number,
    options: Pointer,
    out: OutCell,
  ) => Status;
  readonly ReleaseSession: (session: Pointer) => void;

  readonly CreateCpuMemoryInfo: (allocator: number, memory: number, out: OutCell) => Status;
  readonly CreateTensorWithDataAsOrtValue: (
    memory: Pointer,
    data: ArrayBufferView | Pointer,
    bytes: number,
    shape: BigInt64Array,
    rank: number,
    elementType: number,
    out: OutCell,
  ) => Status;
  readonly ReleaseValue: (value: Pointer) => void;
  readonly GetTensorMutableData: (value: Pointer, out: OutCell) => Status;

  readonly CreateMemoryInfo: (
    name: string,
    allocator: number,
    device: number,
    memory: number,
    out: OutCell,
  ) => Status;
  readonly ReleaseMemoryInfo: (memory: Pointer) => void;
  readonly CreateAllocator: (session: Pointer, memory: Pointer, out: OutCell) => Status;
  readonly ReleaseAllocator: (allocator: Pointer) => void;
  readonly CreateTensorAsOrtValue: (
    allocator: Pointer,
    shape: BigInt64Array,
    rank: number,
    elementType: number,
    out: OutCell,
  ) => Status;

  readonly CreateIoBinding: (session: Pointer, out: OutCell) => Status;
  readonly ReleaseIoBinding: (binding: Pointer) => void;
  readonly BindInput: (binding: Pointer, name: string, value: Pointer) => Status;
  readonly BindOutput: (binding: Pointer, name: string, value: Pointer) => Status;
  readonly RunWithBinding: Async<[session: Pointer, runOptions: Pointer | null, binding: Pointer]>;
}

/** Position in the table, result type, argument types. */
const SIGNATURES = {
  GetErrorMessage: [2, 'const char *', ['void *']],
  ReleaseStatus: [93, 'void', ['void *']],
  CreateEnv: [3, 'void *', ['int', 'const char *', 'void *']],
  GetBuildInfoString: [254, 'const char *', []],

  CreateArenaCfgV2: [164, 'void *', ['const char **', 'void *', 'size_t', 'void *']],
  ReleaseArenaCfg: [157, 'void', ['void *']],
  CreateAndRegisterAllocatorV2: [
    259,
    'void *',
    ['void *', 'const char *', 'void *', 'void *', 'const char **', 'const char **', 'size_t'],
  ],
  UnregisterAllocator: [177, 'void *', ['void *', 'void *']],

  CreateSessionOptions: [10, 'void *', ['void *']],
  ReleaseSessionOptions: [100, 'void', ['void *']],
  SetSessionExecutionMode: [13, 'void *', ['void *', 'int']],
  DisableMemPattern: [17, 'void *', ['void *']],
  SetSessionLogSeverityLevel: [22, 'void *', ['void *', 'int']],
  SetSessionGraphOptimizationLevel: [23, 'void *', ['void *', 'int']],
  SetIntraOpNumThreads: [24, 'void *', ['void *', 'int']],
  SetInterOpNumThreads: [25, 'void *', ['void *', 'int']],
  AddSessionConfigEntry: [130, 'void *', ['void *', 'const char *', 'const char *']],
  SessionOptionsAppendExecutionProvider: [
    216,
    'void *',
    ['void *', 'const char *', 'const char **', 'const char **', 'size_t'],
  ],
  CreateCUDAProviderOptions: [205, 'void *', ['void *']],
  UpdateCUDAProviderOptions: [
    206,
    'void *',
    ['void *', 'const char **', 'const char **', 'size_t'],
  ],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, 'void *', ['void *', 'void *']],
  ReleaseCUDAProviderOptions: [208, 'void', ['void *']],

  CreateSessionFromArray: [8, 'void *', ['void *', 'void *', 'size_t', 'void *', 'void *']],
  ReleaseSession: [95, 'void', ['void *']],

  CreateCpuMemoryInfo: [69, 'void *', ['int', 'int', 'void *']],
  CreateTensorWithDataAsOrtValue: [
    49,
    'void *',
    ['void *', 'void *', 'size_t', 'void *', 'size_t', 'int', 'void *'],
  ],
  ReleaseValue: [96, 'void', ['void *']],
  GetTensorMutableData: [51, 'void *', ['void *', 'void *']],

  CreateMemoryInfo: [68, 'void *', ['const char *', 'int', 'int', 'int', 'void *']],
  ReleaseMemoryInfo: [94, 'void', ['void *']],
  CreateAllocator: [131, 'void *', ['void *', 'void *', 'void *']],
  ReleaseAllocator: [132, 'void', ['void *']],
  CreateTensorAsOrtValue: [48, 'void *', ['void *', 'void *', 'size_t', 'int', 'void *']],

  CreateIoBinding: [134, 'void *', ['void *', 'void *']],
  ReleaseIoBinding: [135, 'void', ['void *']],
  BindInput: [136, 'void *', ['void *', 'const char *', 'void *']],
  BindOutput: [137, 'void *', ['void *', 'const char *', 'void *']],
  RunWithBinding: [133, 'void *', ['void *', 'void *', 'void *']],
} as const satisfies Record<keyof OrtFunctions, readonly [number, string, readonly string[]]>;

/** The table has at least this many functions. */
const TABLE_LENGTH = 318;

/**
 * @param path Of the library, for errors.
 * @throws SetupError where the table is another
 */
export function bindFunctions(table: Pointer, path: string): OrtFunctions {
  const pointers = koffi.decode(table, koffi.array('void *', TABLE_LENGTH)) as Pointer[];
  const bound = Object.entries(SIGNATURES).map(([name, [position, result, types]]) => [
    name,
    koffi.decode(pointers[position], koffi.proto(result, [...types])),
  ]);
  const functions = Object.fromEntries(bound) as OrtFunctions;
  checkTable(functions, path);
  return functions;
}

/** The last position in use must hold the function that is expected there. */
function checkTable(functions: OrtFunctions, path: string): void {
  const info = functions.GetBuildInfoString();
  if (info?.startsWith('ORT Build Info')) return;
  throw new SetupError({
    where: path,
    problem: 'the C API does not have the expected functions',
    remedy: 'Install the package again with npm ci',
  });
}
