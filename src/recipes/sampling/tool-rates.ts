/** How completions that could use tools have used them, under TRL's names. */

export interface ToolCounts {
  readonly calls: number;
  readonly failures: number;
}

/** Calls by completion, and the share of calls that failed. Empty where no tools were offered. */
export function toolRates(uses: readonly ToolCounts[]): Record<string, number> {
  if (uses.length === 0) return {};
  const calls = uses.reduce((sum, use) => sum + use.calls, 0);
  const failures = uses.reduce((sum, use) => sum + use.failures, 0);
  return {
    'tools/call_frequency': calls / uses.length,
    'tools/failure_frequency': calls === 0 ? 0 : failures / calls,
  };
}
