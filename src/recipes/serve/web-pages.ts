/**
 * Requests of web pages, which a browser sends to an address of the machine it runs on whatever site a page is
 * from. They tell their site by `Origin`; where its name was made to lead here (DNS rebinding), by `Host`.
 */
import type { IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import { ApiError } from './api-error.js';

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

/** @param listening The address that is listened on. @throws ApiError for a page of another site */
export function checkSite({ headers }: Pick<IncomingMessage, 'headers'>, listening: string): void {
  const { origin, host = 'localhost' } = headers;
  const site = origin === undefined ? null : urlOf(origin);
  const isHere = site === null || isLoopback(nameOf(site)) || site?.host === host;
  const name = nameOf(urlOf(`http://${host}`));
  const isOwnName = !isLoopback(listening) || isLoopback(name);
  if (isHere && isOwnName) return;
  const from = isHere ? `the name ${host}` : `a page of ${origin}`;
  const message = `requests by ${from} are refused, as nobody has to show a key. Serve with api_key_env`;
  throw new ApiError(message, { status: 403, code: 'other_site' });
}

const urlOf = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

const nameOf = (url: URL | undefined): string => url?.hostname.replace(/^\[|\]$/g, '') ?? '';
