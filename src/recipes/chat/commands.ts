/** What a line means: text for the model, or a command that begins with a slash. */
import { dirname } from 'node:path';
import type { Completion } from '../../rollout/index.js';
import { appendText } from '../../util/append.js';
import { counted } from '../../util/counted.js';
import { checkFolderPlace, makeFolder } from '../../util/disk.js';
import { InputError } from '../../util/errors.js';
import { nearest } from '../../util/nearest.js';
import type { AnswerSink, Conversation } from './conversation.js';

export interface CommandTools {
  readonly conversation: Conversation;
  /** Runs an answer, which can be stopped, and says how it ended. */
  readonly answer: (make: (sink: AnswerSink) => Promise<Completion>) => Promise<void>;
  readonly note: (line: string) => void;
}

interface ChatCommand {
  readonly takes: string;
  readonly help: string;
  readonly run: (rest: string, tools: CommandTools) => Promise<void> | void;
}

const COMMANDS: Readonly<Record<string, ChatCommand>> = {
  clear: {
    takes: '',
    help: 'forgets what was said',
    run: (_, { conversation }) => conversation.clear(),
  },
  system: {
    takes: 'TEXT',
    help: 'sets the system message; without TEXT there is none',
    run(rest, { conversation, note }) {
      conversation.system = rest === '' ? undefined : rest;
      note(rest === '' ? 'no system message' : `system: ${rest}`);
    },
  },
  regenerate: {
    takes: '',
    help: 'another answer to the last message',
    run: (_, { conversation, answer }) => answer((sink) => conversation.again('new', sink)),
  },
  base: {
    takes: '',
    help: 'adapter off or on; answers the last message again, same seed',
    async run(_, { conversation, answer, note }) {
      const { name, adapter } = conversation.toggle();
      note(adapter === null ? `base model: ${name}` : `with the adapter: ${name}`);
      if (conversation.hasAnswer) await answer((sink) => conversation.again('same', sink));
    },
  },
  save: {
    takes: 'FILE',
    help: 'appends the conversation to a JSONL file, as a row for sft',
    run: save,
  },
  help: { takes: '', help: 'lists the commands', run: (_, { note }) => help().forEach(note) },
  exit: { takes: '', help: 'leaves', run: () => undefined },
};

/** One line for each command. */
export const help = (): string[] => [
  ...Object.entries(COMMANDS).map(
    ([name, { takes, help: text }]) => `  ${`/${name} ${takes}`.padEnd(14)} ${text}`,
  ),
  `  ${'//TEXT'.padEnd(14)} says /TEXT to the model`,
];

/**
 * @returns false when the chat is to end
 * @throws InputError for a command that is not known or cannot be done now
 */
export async function runLine(line: string, tools: CommandTools): Promise<boolean> {
  const text = line.trim();
  if (text === '') return true;
  if (!text.startsWith('/') || text.startsWith('//')) {
    const said = text.replace(/^\/\//, '/');
    await tools.answer((sink) => tools.conversation.say(said, sink));
    return true;
  }
  const [, name = '', rest = ''] = /^\/(\S*)\s*(.*)$/s.exec(text)!;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : null;
  if (command === null) throw unknownCommand(name);
  await command.run(rest, tools);
  return name !== 'exit';
}

function unknownCommand(name: string): InputError {
  const near = nearest(name, Object.keys(COMMANDS));
  const known = near === undefined ? '/help lists them' : `The nearest is /${near}`;
  const remedy = `${known}; a text that begins with / is written with two`;
  return new InputError({ problem: `there is no command /${name}`, remedy });
}

function save(file: string, { conversation, note }: CommandTools): void {
  if (file === '') throw new InputError({ where: '/save', problem: 'it needs a FILE' });
  if (!conversation.hasAnswer) {
    throw new InputError({ where: '/save', problem: 'there is no answer to save yet' });
  }
  checkFolderPlace(dirname(file));
  makeFolder(dirname(file));
  appendText(file, `${JSON.stringify({ messages: conversation.messages })}\n`);
  const cut = conversation.isWhole ? '' : '; its last answer was stopped or cut off';
  note(`appended to ${file}: ${counted(conversation.messages.length, 'message')}${cut}`);
}
