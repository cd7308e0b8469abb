/** Words of the command line: `key=value`, `--some-key v`, `--some-key=v`, bare flags, names. */
import { describe, expect, it } from 'vitest';
import { loadConfig, overrideLayer, sftSchema, splitArguments } from '../../../src/config/index.js';
import { InputError } from '../../../src/util/errors.js';
import { refusalOf } from '../../support/failures.js';

const split = (...words: string[]) => splitArguments(sftSchema, words);

describe('splitArguments', () => {
  it('tells overrides from other words', () => {
    expect(split('a.yaml', 'lora.r=4', './x=y.yaml', 'model=a=b')).toEqual({
      positionals: ['a.yaml', './x=y.yaml'],
      overrides: ['lora.r=4', 'model=a=b'],
    });
  });

  it('reads options of other tools', () => {
    expect(split('--output-dir', 'o', '--lora.lora-alpha=8', '--max-steps', '-1')).toEqual({
      positionals: [],
      overrides: ['output_dir=o', 'lora.lora_alpha=8', 'max_steps=-1'],
    });
  });

  it('takes a bare boolean as true, and its value where there is one', () => {
    expect(split('--use-lora', 'a.yaml')).toEqual({
      positionals: ['a.yaml'],
      overrides: ['use_lora=true'],
    });
    expect(split('--use-lora', 'false').overrides).toEqual(['use_lora=false']);
    expect(split('--overwrite').overrides).toEqual(['overwrite=true']);
  });

  it('takes the next word of any other key as its value', () => {
    expect(split('--system-prompt', 'a=b').overrides).toEqual(['system_prompt=a=b']);
  });

  it('refuses an option without a value', () => {
    expect(refusalOf(InputError, () => split('--model'))).toBe(
      'command line: --model has no value. Write --model VALUE',
    );
    expect(() => split('--model', '--dataset', 'gsm8k')).toThrow(
      'command line: --model has no value. Write --model VALUE or --model=VALUE',
    );
    expect(() => split('--base-model', '--overwrite')).toThrow('--base-model has no value');
  });

  it('refuses spaces beside =, and references, which files alone have', () => {
    expect(() => split('model', '=', 'm')).toThrow('"=" stands by itself. Write model=m, without');
    expect(() => split('model', '=m')).toThrow('"=m" stands by itself. Write model=m, without');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a user writes
    expect(() => overrideLayer('model=${env:HOME}/m')).toThrow(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: what a user writes
      'references such as ${env:HOME} are read in files alone. Write "$NAME"',
    );
  });

  it('takes for text what pipelines alone refer to', () => {
    const prompt = `\${root} and \${vars.x}`;
    const { system_prompt: read } = loadConfig(sftSchema, {
      overrides: ['model=m', 'dataset=gsm8k', `system_prompt=${prompt}`],
    });
    expect(read).toBe(prompt);
  });

  it('takes a bare option that the command does not have as true, and leaves the next one', () => {
    expect(split('--use-vllm').overrides).toEqual(['use_vllm=true']);
    expect(split('--use-vllm', '--seed', '3').overrides).toEqual(['use_vllm=true', 'seed=3']);
    expect(split('--use-peft', '--seed', '3').overrides).toEqual(['use_peft=true', 'seed=3']);
    expect(split('--use-vllm', 'true').overrides).toEqual(['use_vllm=true']);
  });
});
