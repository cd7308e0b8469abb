/** Code blocks at the end of a response. */
import { describe, expect, it } from 'vitest';
import { codeToRun, outputBlock } from '../../../../src/evaluate/strategies/code-blocks.js';

describe('codeToRun', () => {
  it('finds the Python block that closes at the end', () => {
    expect(codeToRun('a\n```python\nx = 1\nprint(x)\n```\n')).toBe('x = 1\nprint(x)');
    expect(codeToRun('```python\n1\n```')).toBe('1');
    const second = '```python\n1\n```\n```output\n1\n```\nnow\n```python\n2\n```\n';
    expect(codeToRun(second)).toBe('2');
    expect(codeToRun('```python3\n3\n```\n')).toBe('3');
    expect(codeToRun('```c++\n1\n```\nor\n```python\n2\n```\n')).toBe('2');
  });

  it('finds none in open blocks, other languages, and text behind', () => {
    expect(codeToRun('```python\nx = 1')).toBeNull();
    expect(codeToRun('```python\n1\n```\n```output\n1\n```\n')).toBeNull();
    expect(codeToRun('```python\n1\n```\ndone')).toBeNull();
    expect(codeToRun('```js\n1\n```')).toBeNull();
    expect(codeToRun('```')).toBeNull();
    expect(codeToRun('')).toBeNull();
  });
});

describe('outputBlock', () => {
  it('stands on lines of its own and says what it cuts', () => {
    expect(outputBlock('x\n', '3\n', 2000)).toBe('```output\n3\n```\n');
    expect(outputBlock('x', '3', 2000)).toBe('\n```output\n3\n```\n');
    expect(outputBlock('x\n', 'y'.repeat(2100), 2000)).toContain('[100 characters cut]');
  });

  it('closes at its own fence, whatever was printed', () => {
    const first = '```python\nprint("```")\n```\n';
    const printed = outputBlock(first, '```\n```python\n', 2000);
    expect(codeToRun([first, printed, 'now\n```python\n2\n```\n'].join(''))).toBe('2');
  });
});
