/** The items of a list in JSON (RFC 8259), one after the other: a file of them may be longer than one text can be. */
import { messageOf } from '../../util/errors.js';
import { filePieces, notJson } from '../../util/files.js';
import { parseJson } from '../../util/json-object.js';
import { textOf } from '../../util/utf8.js';
import { rowLabel } from './file-rows.js';

/** @throws InputError where the file is no list, or naming the item that is no JSON */
export function* listItems(path: string): Generator<unknown> {
  let index = 0;
  let last: number | undefined;
  for (const { bytes, line, mark } of partsOf(path)) {
    const text = textOf(bytes, path, line);
    const isBlank = text.trim() === '';
    if (last === undefined || last === LIST_END) {
      const expected = last === undefined ? LIST : undefined;
      if (!isBlank || mark !== expected) throw notJson(path, 'it is not one list');
    } else if (mark !== COMMA && mark !== LIST_END) throw notJson(path, 'the list does not end');
    else if (!(isBlank && mark === LIST_END && index === 0)) yield itemOf(text, path, index++);
    last = mark;
  }
}

function itemOf(text: string, path: string, index: number): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw notJson(rowLabel(path, index), messageOf(error));
  }
}

const [QUOTE, BACKSLASH, COMMA, LINE_BREAK] = Buffer.from('"\\,\n');
const [LIST, LIST_END, OBJECT, OBJECT_END] = Buffer.from('[]{}');

interface Part {
  readonly bytes: Buffer;
  /** In which they begin, from 1. */
  readonly line: number;
  /** The bracket of the outermost list or the comma in it that ends them; undefined: the file ends. */
  readonly mark: number | undefined;
}

function* partsOf(path: string): Generator<Part> {
  let [depth, line, firstLine] = [0, 1, 1];
  let [isQuoted, isEscaped] = [false, false];
  let begun: Buffer[] = [];
  for (const piece of filePieces(path)) {
    let start = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at];
      if (byte === LINE_BREAK) line++;
      if (isQuoted) {
        isQuoted = isEscaped || byte !== QUOTE;
        isEscaped = !isEscaped && byte === BACKSLASH;
        continue;
      }
      isQuoted = byte === QUOTE;
      const opens = byte === LIST || byte === OBJECT;
      const closes = byte === LIST_END || byte === OBJECT_END;
      if (closes) depth--;
      if (depth === 0 ? opens || closes : depth === 1 && byte === COMMA) {
        yield {
          bytes: Buffer.concat([...begun, piece.subarray(start, at)]),
          line: firstLine,
          mark: byte,
        };
        [begun, start, firstLine] = [[], at + 1, line];
      }
      if (opens) depth++;
    }
    begun.push(piece.subarray(start));
  }
  yield { bytes: Buffer.concat(begun), line: firstLine, mark: undefined };
}
