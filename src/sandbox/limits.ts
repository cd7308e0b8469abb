/** What a snippet may use. Memory is what it takes beyond the interpreter and its preloaded modules. */
export interface PythonLimits {
  /** Wall time in milliseconds. */
  readonly timeoutMs: number;
  readonly memoryMiB: number;
  /** Standard output and error together. */
  readonly outputBytes: number;
  /** Processes and threads at once. */
  readonly processes: number;
  /** Largest file. */
  readonly fileMiB: number;
}

export const DEFAULT_LIMITS: PythonLimits = {
  timeoutMs: 10_000,
  memoryMiB: 1024,
  outputBytes: 1 << 18,
  processes: 16,
  fileMiB: 64,
};
