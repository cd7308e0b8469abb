/** Lists of OpenAI's API: pages by cursor, `?limit=…&after=<id of the last>`, until `has_more` is false. */
import type { Endpoint } from '../../endpoint/index.js';
import { RunError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';

const PAGE = '100';

interface PagesOptions {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** @throws EndpointError, and RunError on an answer that is no list */
export async function* pages(
  endpoint: Endpoint,
  { path, query, signal }: PagesOptions,
): AsyncGenerator<JsonRow[]> {
  for (let after: string | null = null; ; ) {
    const cursor = after === null ? {} : { after };
    const search = new URLSearchParams({ ...query, limit: PAGE, ...cursor });
    const { body } = await endpoint.get(`${path}?${search}`, { signal });
    const { data, has_more: hasMore } = body;
    if (!Array.isArray(data)) {
      throw new RunError({
        where: endpoint.settings.baseUrl + path,
        problem: 'its answer is no list',
      });
    }
    yield data as JsonRow[];
    const last = (data.at(-1) as JsonRow | undefined)?.id;
    if (hasMore !== true || typeof last !== 'string' || last === after) return;
    after = last;
  }
}
