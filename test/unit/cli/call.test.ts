/** Words of a call: its own flags apart from the config's. */
import { describe, expect, it } from 'vitest';
import { splitWords } from '../../../src/cli/call.js';

describe('splitWords', () => {
  it('keeps the flags of the call and the command', () => {
    expect(
      splitWords(['sft', 'a.yaml', '--dry-run', 'lora.r=4', '--verbose', '--max-steps', '-1']),
    ).toEqual({
      call: ['sft', '--dry-run', '--verbose'],
      config: ['a.yaml', 'lora.r=4', '--max-steps', '-1'],
    });
  });

  it('takes the value of --config with it', () => {
    expect(splitWords(['sft', '--config', 'a.yaml', 'x=1'])).toEqual({
      call: ['sft', '--config=a.yaml'],
      config: ['x=1'],
    });
    expect(splitWords(['sft', '--config'])).toEqual({ call: ['sft', '--config'], config: [] });
    expect(splitWords(['--config=a.yaml', 'sft']).call).toEqual(['--config=a.yaml', 'sft']);
    expect(splitWords(['--json', 'data', 'gsm8k'])).toEqual({
      call: ['--json', 'data'],
      config: ['gsm8k'],
    });
  });

  it('leaves words that every object of JavaScript has to the config', () => {
    const words = ['toString', 'constructor=1'];
    expect(splitWords(['sft', ...words])).toEqual({ call: ['sft'], config: words });
  });

  it('shows three rows where --preview has no number: it never begins a run', () => {
    const three = ['sft', '--preview=3'];
    expect(splitWords(['sft', 'a.yaml', '--preview'])).toEqual({ call: three, config: ['a.yaml'] });
    expect(splitWords(['sft', '--preview', 'model=m'])).toEqual({
      call: three,
      config: ['model=m'],
    });
    expect(splitWords(['--preview', '5', 'sft']).call).toEqual(['--preview=5', 'sft']);
    expect(splitWords(['sft', '--preview=2']).call).toEqual(['sft', '--preview=2']);
  });
});
