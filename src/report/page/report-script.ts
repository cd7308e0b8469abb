/** The one script of a page: it filters and searches the completions of a section. */
import { createHash } from 'node:crypto';

/** Without it all completions are there, and the filter is not. */
export const REPORT_SCRIPT = `
for (const filter of document.querySelectorAll('.filter')) {
  const prompts = [...filter.parentElement.querySelectorAll('details')].map((element) => ({
    element,
    text: element.querySelector('.asked').textContent.toLowerCase(),
    completions: [...element.querySelectorAll('article')].map((article) => ({
      article,
      text: article.textContent.toLowerCase(),
    })),
  }));
  const valueOf = (name) => filter.querySelector('[name=' + name + ']')?.value ?? '';
  const apply = () => {
    const [group, grade] = [valueOf('group'), valueOf('grade')];
    const wanted = valueOf('search').trim().toLowerCase();
    let [shown, total] = [0, 0];
    for (const { element, text, completions } of prompts) {
      let own = 0;
      for (const completion of completions) {
        const fits =
          (group === '' || element.dataset.group === group) &&
          (grade === '' || completion.article.dataset.grade === grade) &&
          (text.includes(wanted) || completion.text.includes(wanted));
        completion.article.hidden = !fits;
        if (fits) own += 1;
      }
      element.hidden = own === 0;
      shown += own;
      total += completions.length;
    }
    filter.querySelector('output').textContent = shown + ' of ' + total + ' completions';
  };
  filter.hidden = false;
  filter.addEventListener('input', apply);
  apply();
}
`.trim();

/** What a page's policy has to allow: this text and no other. */
export const SCRIPT_SOURCE = `'sha256-${createHash('sha256').update(REPORT_SCRIPT).digest('base64')}'`;
