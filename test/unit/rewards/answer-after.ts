/** First number after the last `marker`, as OpenAI's model solutions of GSM8K end in `A: <number>`; or null. */
export function answerAfter(text: string, marker: string): string | null {
  const at = text.lastIndexOf(marker);
  if (at < 0) return null;
  return /-?\$?\d[\d,]*(?:\.\d+)?/.exec(text.slice(at + marker.length))?.[0] ?? null;
}
