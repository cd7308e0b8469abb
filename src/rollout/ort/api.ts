/**
 * ONNX Runtime's C API as typed JavaScript functions, to which `OrtGetApiBase` of its library leads.
 * Why not the Node binding: it copies every output on every run, the whole key/value cache included.
 */
import koffi, { type LibraryHandle } from 'koffi';
import { messageOf, SetupError } from '../../util/errors.js';
import { bindFunctions, type OrtFunctions, type Pointer } from './functions.js';
import { checkOrtVersion, ortLibraryPath } from './library.js';

/** The structure is the same for every version of the 1.x series from this one on. */
const API_VERSION = 22;
/** Native code runs on koffi's stacks; ONNX Runtime's kernels keep panels of 64 KiB and more on theirs. */
const STACK_BYTES = 8 << 20;

export interface OrtApi extends OrtFunctions {
  readonly version: string;
  readonly path: string;
  /** The native `OrtApiBase`, for libraries that bring operators. */
  readonly base: Pointer;
}

let loaded: OrtApi | undefined;
/** koffi unloads a library when its handle is collected, whatever function pointers are still in use. */
export const openHandles: LibraryHandle[] = [];

/**
 * Loads the library once per process.
 * @throws SetupError when it is missing, does not load, or is of an unknown version.
 */
export function loadOrtApi(): OrtApi {
  loaded ??= loadFrom(ortLibraryPath());
  return loaded;
}

/**
 * From 1.29 on the library reports its sessions to Microsoft, unless this is set before an environment is made.
 * Nothing that is sampled here is reported to anyone, whatever the variable was.
 */
const NO_TELEMETRY = 'ORT_DISABLE_TELEMETRY';

function loadFrom(path: string): OrtApi {
  process.env[NO_TELEMETRY] = '1';
  const getBase = openLibrary(path);
  const basePointer = getBase();
  const base = koffi.decode(basePointer, koffi.array('void *', 2)) as Pointer[];
  const getVersion = koffi.decode(base[1], koffi.proto('const char *', [])) as () => string;
  const version = getVersion();
  checkOrtVersion(version, path);
  const getApi = koffi.decode(base[0], koffi.proto('void *', ['uint32_t'])) as (
    version: number,
  ) => Pointer | null;
  const table = getApi(API_VERSION);
  if (table === null) {
    throw new SetupError({ where: path, problem: `C API version ${API_VERSION} is not offered` });
  }
  return { ...bindFunctions(table, path), version, path, base: basePointer };
}

function openLibrary(path: string): () => Pointer {
  try {
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
    const library = koffi.load(path);
    openHandles.push(library);
    return library.func('OrtGetApiBase', 'void *', []);
  } catch (error) {
    throw new SetupError(
      {
        where: path,
        problem: `ONNX Runtime does not load: ${messageOf(error)}`,
        remedy: 'It needs glibc 2.28 or later on Linux, macOS 14 or later, or Windows 10 or later',
      },
      { cause: error },
    );
  }
}
