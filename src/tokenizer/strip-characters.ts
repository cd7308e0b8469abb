/**
 * `text.strip(characters)` of chat templates, as Python has it: Qwen 3 writes `content.lstrip('\n')`. The
 * library's Jinja strips all white space whatever it is told, so that answers lost the spaces they begin with.
 */

/** A text as the library's Jinja holds it, with its methods. */
interface JinjaText {
  readonly value: string;
  readonly builtins: Map<string, JinjaMethod>;
}

interface JinjaMethod {
  value: (args: readonly { readonly value: unknown }[], scope: unknown) => JinjaText;
}

/** Which ends each method strips. */
const METHODS = {
  strip: { start: true, end: true },
  lstrip: { start: true, end: false },
  rstrip: { start: false, end: true },
} as const;

/** @param render Renders a template with a function `call`, which gets its arguments as the library holds them. */
export function teachStrip(
  render: (template: string, call: (texts: readonly [JinjaText]) => string) => void,
): void {
  render("{{ call(['']) }}", ([text]) => {
    const prototype = Object.getPrototypeOf(text) as JinjaText;
    const { get } = Object.getOwnPropertyDescriptor(prototype, 'builtins')!;
    Object.defineProperty(prototype, 'builtins', {
      get(this: JinjaText) {
        const methods = get!.call(this) as JinjaText['builtins'];
        for (const name of Object.keys(METHODS)) teach(this, methods.get(name)!, name as Ends);
        return methods;
      },
    });
    return '';
  });
}

type Ends = keyof typeof METHODS;

const taught = new WeakSet<JinjaMethod>();

function teach(text: JinjaText, method: JinjaMethod, name: Ends): void {
  if (taught.has(method)) return;
  taught.add(method);
  const whiteSpace = method.value;
  const Text = text.constructor as new (value: string) => JinjaText;
  method.value = (args, scope) => {
    const characters = args[0]?.value;
    if (typeof characters !== 'string') return whiteSpace(args, scope);
    return new Text(stripped(text.value, characters, METHODS[name]));
  };
}

function stripped(text: string, characters: string, ends: (typeof METHODS)[Ends]): string {
  const signs = Array.from(text);
  let [start, end] = [0, signs.length];
  while (ends.start && start < end && characters.includes(signs[start]!)) start++;
  while (ends.end && end > start && characters.includes(signs[end - 1]!)) end--;
  return signs.slice(start, end).join('');
}
