/** The prompt of preference rows: in a column, in front of the answers, in both, or in neither. */
import { describe, expect, it } from 'vitest';
import { splitPrompt } from '../../../src/data/index.js';
import { assistant, system, user } from '../../support/messages.js';

const blue = [user('sky?'), assistant('blue')];
const green = [user('sky?'), assistant('green')];

describe('answers as messages', () => {
  const answers = [[assistant('blue')], [assistant('green')]];

  it('without a prompt: what they begin with', () => {
    const expected = { prompt: [user('sky?')], answers, place: 'shared' };
    expect(splitPrompt(null, [blue, green])).toEqual(expected);
    const turns = [user('hi'), assistant('yo')];
    expect(
      splitPrompt(null, [
        [...turns, ...blue],
        [...turns, ...green],
      ]),
    ).toEqual({ prompt: [...turns, user('sky?')], answers, place: 'shared' });
  });

  it('a prompt that they repeat is dropped there, be it text or messages', () => {
    const expected = { prompt: [user('sky?')], answers, place: 'repeated' };
    expect(splitPrompt('sky?\n', [blue, green])).toEqual(expected);
    expect(splitPrompt([user('sky?')], [blue, green])).toEqual(expected);
    const withSystem = [blue, green].map((turns) => [system('Be brief'), ...turns]);
    expect(splitPrompt('sky?', withSystem)).toMatchObject({
      prompt: [system('Be brief'), user('sky?')],
      answers,
    });
  });

  it('a text that they do not hold is another prompt', () => {
    expect(splitPrompt('sea?', [blue, green])).toMatchObject({
      prompt: [user('sky?')],
      place: 'other',
    });
  });

  it('messages that they do not begin with stay in front of them', () => {
    const prompt = [system('Be brief')];
    const expected = { prompt, answers: [blue, green], place: 'given' };
    expect(splitPrompt(prompt, [blue, green])).toEqual(expected);
    expect(splitPrompt([user('sky?')], answers)).toMatchObject({ answers, place: 'given' });
    expect(splitPrompt('sky?', answers)).toEqual({ prompt: 'sky?', answers, place: 'given' });
  });

  it('one answer: all but its last message', () => {
    const expected = { prompt: [user('sky?')], answers: [[assistant('blue')]], place: 'shared' };
    expect(splitPrompt(null, [blue])).toEqual(expected);
  });

  it('leaves each answer a message, where one is the beginning of the other or both are the same', () => {
    const more = [...blue, user('sea?'), assistant('blue too')];
    expect(splitPrompt(null, [blue, more])).toMatchObject({
      prompt: [user('sky?')],
      answers: [[assistant('blue')], more.slice(1)],
    });
    expect(splitPrompt(null, [blue, blue])).toMatchObject({
      answers: [[assistant('blue')], [assistant('blue')]],
    });
  });

  it('says where there is no prompt', () => {
    expect(splitPrompt(null, answers)).toBe('there is no prompt');
    const other = [user('sea?'), assistant('green')];
    expect(splitPrompt(null, [blue, other])).toMatch(/begin with different messages/);
  });
});

describe('answers as texts', () => {
  it('without a prompt: what they have in common, up to a white space', () => {
    const dialogue = '\n\nHuman: sky?\n\nAssistant:';
    expect(splitPrompt(null, [`${dialogue} Blue.`, `${dialogue} Red.`])).toEqual({
      prompt: dialogue,
      answers: [' Blue.', ' Red.'],
      place: 'shared',
    });
    expect(splitPrompt(null, ['Sky is blue', 'Sky is black'])).toMatchObject({
      prompt: 'Sky is',
      answers: [' blue', ' black'],
    });
    expect(splitPrompt(null, ['a  b', 'a  c'])).toMatchObject({ prompt: 'a' });
    expect(splitPrompt(null, ['a b', 'a b c'])).toMatchObject({ answers: [' b', ' b c'] });
  });

  it('drops a prompt that both repeat, and only then', () => {
    expect(splitPrompt('Q: ', ['Q: a', 'Q: b'])).toEqual({
      prompt: 'Q: ',
      answers: ['a', 'b'],
      place: 'repeated',
    });
    for (const answers of [['Q: a', 'b'], ['Q: ', 'Q: b'], ['Q: a']]) {
      expect(splitPrompt('Q: ', answers)).toEqual({ prompt: 'Q: ', answers, place: 'given' });
    }
  });

  it('says where there is no prompt', () => {
    expect(splitPrompt(null, ['blue', 'black'])).toMatch(/no beginning in common/);
    expect(splitPrompt(null, ['blue'])).toBe('there is no prompt');
    expect(splitPrompt(null, ['blue', [assistant('green')]])).toBe('there is no prompt');
  });
});
