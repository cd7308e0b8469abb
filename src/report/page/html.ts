/** HTML as text: everything that comes from data is escaped. */
import { visible } from '../../util/visible.js';

/** Control characters as their pictures: a browser drops some, and HTML may hold few of them. */
export function escapeHtml(text: string): string {
  return visible(text, '\n\t')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}

/** `<tag class>content</tag>`; `content` is HTML. */
export function element(tag: string, className: string, content: string): string {
  return `<${tag}${className === '' ? '' : ` class="${className}"`}>${content}</${tag}>`;
}
