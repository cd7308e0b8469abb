/**
 * Lines in, text out. In a terminal the keys typed during an answer are not echoed, and Ctrl-C is told of in
 * place of ending the process; they are read as the next lines.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { visible } from '../../util/visible.js';

export interface ChatStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream & { readonly columns?: number; readonly isTTY?: boolean };
  /** Whether a person types and reads. */
  readonly isInteractive: boolean;
}

export class Terminal {
  private readonly streams: ChatStreams;
  private readonly readline: Interface;
  private isMuted = false;

  constructor(streams: ChatStreams, onInterrupt: () => void) {
    this.streams = streams;
    const { input, output, isInteractive } = streams;
    const echo = new Writable({
      write: (chunk, _, done) => {
        if (!this.isMuted) output.write(chunk);
        done();
      },
    });
    Object.defineProperty(echo, 'columns', { get: () => output.columns });
    this.readline = createInterface({
      input,
      ...(isInteractive && { output: echo, terminal: true, prompt: '> ' }),
    });
    this.readline.on('SIGINT', onInterrupt);
  }

  /** Until the input ends or `close`. */
  async *lines(): AsyncGenerator<string> {
    const lines = this.readline[Symbol.asyncIterator]();
    for (;;) {
      if (this.streams.isInteractive) this.readline.prompt();
      const { value, done } = await lines.next();
      if (done === true) return;
      yield value;
    }
  }

  /** A terminal shows control characters, and does not obey them. */
  write(text: string): void {
    const { output } = this.streams;
    if (text !== '') output.write(output.isTTY === true ? visible(text, '\n\t') : text);
  }

  /** Runs what writes, without an echo of what is typed meanwhile. */
  async writing<T>(work: () => Promise<T>): Promise<T> {
    this.isMuted = true;
    try {
      return await work();
    } finally {
      this.isMuted = false;
    }
  }

  close(): void {
    this.readline.close();
  }
}
