/**
 * Loads native code without the notices it writes to standard error meanwhile: TensorFlow's libraries say
 * that oneDNN is on before any log level can be given to them. Everything else they write is passed on.
 */

/** The native module that `lorikeet setup` builds beside the binding. */
interface StderrCapture {
  begin(): void;
  /** What was written to standard error since `begin`. */
  end(): string;
}

/** Abseil's notice about itself and its lines of severity I(nfo), e.g. `I0000 00:00:1795245.9 42 port.cc:153]`. */
const NOTICE =
  /^(WARNING: All log messages before absl::InitializeLog\(\)|I\d{4} [\d:.]+ +\d+ \S+\])/;

/** What is left of captured text without the notices. */
export function withoutNotices(text: string): string {
  const lines = text.split('\n').filter((line) => !NOTICE.test(line));
  return lines.join('\n').trim();
}

export function loadQuietly<T>(capture: StderrCapture, load: () => T): T {
  capture.begin();
  try {
    return load();
  } finally {
    const rest = withoutNotices(capture.end());
    if (rest !== '') process.stderr.write(`${rest}\n`);
  }
}
