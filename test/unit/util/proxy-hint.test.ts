import { expect, it } from 'vitest';
import { proxyHint } from '../../../src/util/proxy-hint.js';

it.each([
  [
    'https://api.test/v1',
    { HTTPS_PROXY: 'http://p' },
    'HTTPS_PROXY is read with NODE_USE_ENV_PROXY=1',
  ],
  ['https://api.test/v1', { https_proxy: 'http://p' }, 'https_proxy is read'],
  ['http://api.test/v1', { http_proxy: 'http://p', HTTPS_PROXY: 'http://p' }, 'http_proxy is read'],
])('%s with %j is told that Node leaves the proxy aside', (address, env, said) => {
  expect(proxyHint(address, env)).toContain(said);
});

it.each([
  ['https://api.test/v1', {}],
  ['https://api.test/v1', { HTTP_PROXY: 'http://p' }],
  ['https://api.test/v1', { HTTPS_PROXY: 'http://p', NODE_USE_ENV_PROXY: '1' }],
  ['http://localhost:8000/v1', { HTTP_PROXY: 'http://p' }],
  ['http://127.0.0.1:8000/v1', { HTTP_PROXY: 'http://p' }],
])('%s with %j is not', (address, env) => {
  expect(proxyHint(address, env)).toBe('');
});
