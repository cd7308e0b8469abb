/** What to tell whoever cannot reach an address although a proxy is set. */

/** Addresses of this machine, which need no proxy. */
const OWN = /^(?:localhost|127\.[\d.]+|\[::1\])$/;

/**
 * Node leaves the variables of proxies aside unless it is told otherwise. Empty where none is set for the address, or
 * they are read.
 */
export function proxyHint(address: string, env: NodeJS.ProcessEnv = process.env): string {
  if (!URL.canParse(address)) return '';
  const { protocol, hostname } = new URL(address);
  const upper = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const name = [upper, upper.toLowerCase()].find((each) => env[each]);
  if (name === undefined || env.NODE_USE_ENV_PROXY === '1' || OWN.test(hostname)) return '';
  return `${name} is read with NODE_USE_ENV_PROXY=1 only (Node 22.21 and 24). `;
}
