/**
 * Runs a grammar's program on bytes. A state is the set of places where the text read so far may stand, each
 * with the stack of rules it is in; states are made as they are reached, and kept with their transitions, so
 * that reading a byte again is one look into a table.
 */
import { InputError } from '../../util/errors.js';
import { CALL, MATCH, type Program, RETURN, SPLIT } from './grammar.js';

/** The state from which nothing goes on. */
export const DEAD = 0;
const UNKNOWN = -1;
const EMPTY_STACK = 0;
/** Rules within rules before the first byte; more means that a rule begins with itself. */
const MAX_CALLS = 10_000;
const PLACE = 2 ** 31;

interface State {
  /** Place and stack, alternating, in order. */
  readonly threads: readonly number[];
  readonly isAccepting: boolean;
  /** By byte. */
  readonly next: Int32Array;
}

export class Automaton {
  readonly start: number;
  private readonly program: Program;
  private readonly states: State[] = [];
  private readonly byKey = new Map<string, number>();
  /** Of stack `i`: where it returns to, and the stack below. */
  private readonly returns: number[] = [-1];
  private readonly below: number[] = [-1];
  private readonly stacks = new Map<number, number>();

  /** @throws InputError when a rule begins with itself */
  constructor(program: Program) {
    this.program = program;
    this.intern(new Map(), false);
    this.start = this.closure([program.start, EMPTY_STACK]);
    if (this.start === DEAD) throw endless();
  }

  /** Whether the text may end here. */
  isAccepting(state: number): boolean {
    return this.states[state]!.isAccepting;
  }

  /** The state after a byte; `DEAD` where it may not come. */
  step(state: number, byte: number): number {
    const { next } = this.states[state]!;
    const known = next[byte]!;
    if (known !== UNKNOWN) return known;
    const reached = this.advance(state, byte);
    next[byte] = reached;
    return reached;
  }

  private advance(state: number, byte: number): number {
    const { a, b, sets } = this.program;
    const { threads } = this.states[state]!;
    const moved: number[] = [];
    for (let i = 0; i < threads.length; i += 2) {
      const place = threads[i]!;
      if (sets[a[place]!]![byte] === 1) moved.push(b[place]!, threads[i + 1]!);
    }
    return this.closure(moved);
  }

  /** Follows all instructions that read nothing. */
  private closure(begin: readonly number[]): number {
    const { kind, a, b } = this.program;
    const found = new Map<number, readonly [number, number]>();
    const seen = new Set<number>();
    const open = [...begin];
    let isAccepting = false;
    let calls = 0;
    while (open.length > 0) {
      const stack = open.pop()!;
      const place = open.pop()!;
      const key = stack * PLACE + place;
      if (seen.has(key)) continue;
      seen.add(key);
      if (kind[place] === MATCH) found.set(key, [place, stack]);
      else if (kind[place] === SPLIT) open.push(a[place]!, stack, b[place]!, stack);
      else if (kind[place] === CALL) {
        if (++calls > MAX_CALLS) throw endless();
        open.push(a[place]!, this.push(b[place]!, stack));
      } else if (stack === EMPTY_STACK) isAccepting = true;
      else open.push(this.returns[stack]!, this.below[stack]!);
    }
    return this.intern(found, isAccepting);
  }

  /** A call at the end of a rule needs no place to return to. */
  private push(next: number, stack: number): number {
    if (this.program.kind[next] === RETURN) return stack;
    const key = stack * PLACE + next;
    let id = this.stacks.get(key);
    if (id === undefined) {
      id = this.returns.length;
      this.returns.push(next);
      this.below.push(stack);
      this.stacks.set(key, id);
    }
    return id;
  }

  private intern(
    found: ReadonlyMap<number, readonly [number, number]>,
    isAccepting: boolean,
  ): number {
    const keys = [...found.keys()].sort((x, y) => x - y);
    const key = `${isAccepting} ${keys.join(' ')}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const threads = keys.flatMap((each) => found.get(each)!);
    const next = new Int32Array(256).fill(threads.length === 0 ? DEAD : UNKNOWN);
    this.states.push({ threads, isAccepting, next });
    // An accepting state without threads is not DEAD: the text is complete.
    this.byKey.set(key, this.states.length - 1);
    return this.states.length - 1;
  }
}

function endless(): InputError {
  return new InputError({
    where: 'response_format',
    problem: 'the schema refers to itself without anything between',
    remedy: 'Put the $ref below properties or items',
  });
}
