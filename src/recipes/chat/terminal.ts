/**
 * Lines in, text out. In a terminal the keys typed during an answer are not echoed, and Ctrl-C is told of in
 * place of ending the process; they are read as the next lines. What is pasted is one line, with its breaks.
 */
import { createInterface, type Interface, type Key } from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import { visible } from '../../util/visible.js';

export interface ChatStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream & { readonly columns?: number; readonly isTTY?: boolean };
  /** Whether a person types and reads. */
  readonly isInteractive: boolean;
}

/** The terminal marks what is pasted; and no longer does. */
const MARKS = { on: '\x1b[?2004h', off: '\x1b[?2004l' };

export class Terminal {
  private readonly streams: ChatStreams;
  private readonly readline: Interface;
  /** Lines that wait to be read. */
  private readonly messages = new PassThrough({ objectMode: true });
  private isMuted = false;
  private isPasting = false;
  private isClosed = false;
  /** Lines of a paste whose last one is still edited. */
  private pasted: string[] = [];

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
    this.readline.on('line', (line) => this.take(line));
    this.readline.on('close', () => this.messages.end());
    if (!isInteractive) return;
    this.readline.on('SIGINT', onInterrupt);
    // A terminal that is gone has ended.
    input.on('error', () => this.close());
    // It has stopped reading; a new prompt goes on.
    this.readline.on('SIGCONT', () => this.prompt());
    input.on('keypress', (_, { name }: Key) => {
      if (name === 'paste-start' || name === 'paste-end') this.isPasting = name === 'paste-start';
    });
    output.write(MARKS.on);
  }

  private take(line: string): void {
    this.pasted.push(line);
    if (this.isPasting) return;
    this.messages.write(this.pasted.join('\n'));
    this.pasted = [];
  }

  /** Until the input ends or `close`. */
  async *lines(): AsyncGenerator<string> {
    const messages = this.messages[Symbol.asyncIterator]();
    for (;;) {
      if (this.isClosed) return;
      const { isInteractive } = this.streams;
      const waits = this.messages.readableLength > 0;
      const prompts = isInteractive && !waits && !this.messages.writableEnded;
      if (prompts) this.prompt();
      const { value, done } = await messages.next();
      if (done === true) {
        if (prompts) this.write('\n');
        return;
      }
      // It was typed without an echo.
      if (isInteractive && waits) this.write(`> ${value}\n`);
      yield value;
    }
  }

  /** With what is typed already. */
  prompt(): void {
    this.readline.prompt(true);
  }

  /** Takes back what is typed. @returns whether there was anything */
  discard(): boolean {
    const { line } = this.readline;
    const isTyped = line !== '' || this.pasted.length > 0;
    this.pasted = [];
    for (const name of ['e', 'u']) this.readline.write(null as never, { ctrl: true, name });
    return isTyped;
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

  /** What waits is not read any more. */
  close(): void {
    this.isClosed = true;
    if (this.streams.isInteractive) this.streams.output.write(MARKS.off);
    this.readline.close();
  }
}
