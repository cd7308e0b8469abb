/** HTML as text: everything that comes from data is escaped. */

export function escapeHtml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}

/** `<tag class>content</tag>`; `content` is HTML. */
export function element(tag: string, className: string, content: string): string {
  return `<${tag}${className === '' ? '' : ` class="${className}"`}>${content}</${tag}>`;
}
