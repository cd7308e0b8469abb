/** Rendered training rows as text for a console, the trained parts in colour or between marks. */
import { counted } from '../util/counted.js';
import { visible } from '../util/visible.js';
import { percent } from './text-table.js';

export interface PreviewSegment {
  readonly text: string;
  readonly isTrained: boolean;
}

export interface PreviewRow {
  /** `row 3`, `row 3, chosen` */
  readonly label: string;
  readonly segments: readonly PreviewSegment[];
  readonly tokens: number;
  readonly trained: number;
}

export interface PreviewCounts {
  readonly sequences: number;
  readonly tokens: number;
  readonly trained: number;
  readonly longest: number;
}

const GREEN = ['\u001b[32m', '\u001b[0m'] as const;
const MARKS = ['⟦', '⟧'] as const;

/** @param colours ANSI colours; else trained text stands between ⟦ and ⟧ */
export function previewText(
  rows: readonly PreviewRow[],
  { counts, colours }: { readonly counts: PreviewCounts; readonly colours: boolean },
): string {
  const [open, close] = colours ? GREEN : MARKS;
  const blocks = rows.map(({ label, segments, tokens, trained }) => {
    const body = segments.map(({ text, isTrained }) => {
      const shown = visible(text);
      return isTrained ? `${open}${shown}${close}` : shown;
    });
    return `── ${label}: ${counted(tokens, 'token')}, ${trained} trained ──\n${body.join('')}`;
  });
  return [...blocks, countsText(counts)].join('\n\n');
}

function countsText({ sequences, tokens, trained, longest }: PreviewCounts): string {
  const share = percent(trained / Math.max(1, tokens));
  return `${counted(sequences, 'sequence')}, ${counted(tokens, 'token')}, ${trained} trained (${share}), longest ${longest}`;
}
