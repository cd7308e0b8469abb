/** The environment variables of the hub's own clients. */
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hubSettings } from '../../../src/hub/settings.js';
import { temporaryFolder } from '../../support/temporary.js';

describe('hubSettings', () => {
  it('has the usual defaults', () => {
    const settings = hubSettings({ token: null }, {});
    expect(settings.endpoint).toBe('https://huggingface.co');
    expect(settings.cacheDir).toBe(join(homedir(), '.cache', 'huggingface', 'hub'));
    expect(settings.offline).toBe(false);
  });

  it('reads the environment, and options go before it', () => {
    const env = {
      HF_ENDPOINT: 'https://mirror.example/hub/',
      HF_TOKEN: ' hf_x\n',
      HF_HOME: '/hf',
      HF_HUB_OFFLINE: 'TRUE',
    };
    expect(hubSettings({}, env)).toMatchObject({
      endpoint: 'https://mirror.example/hub',
      token: 'hf_x',
      cacheDir: '/hf/hub',
      offline: true,
    });
    expect(hubSettings({}, { ...env, HF_HUB_CACHE: '/cache' }).cacheDir).toBe('/cache');
    const options = { endpoint: 'http://127.0.0.1:1', token: null, cacheDir: '/c', offline: false };
    expect(hubSettings(options, env)).toMatchObject(options);
    const { HF_HUB_OFFLINE: _, ...online } = env;
    expect(hubSettings({}, { ...online, TRANSFORMERS_OFFLINE: '1' }).offline).toBe(true);
    const both = { ...online, HF_HUB_OFFLINE: '0', TRANSFORMERS_OFFLINE: '1' };
    expect(hubSettings({}, both).offline).toBe(false);
  });

  it('takes the token saved in HF_HOME', () => {
    const home = temporaryFolder();
    writeFileSync(join(home, 'token'), 'hf_saved\n');
    expect(hubSettings({}, { HF_HOME: home }).token).toBe('hf_saved');
  });

  it('refuses a token that fits into no header, without showing it', () => {
    const home = temporaryFolder();
    writeFileSync(join(home, 'token'), 'hf_two\nhf_lines');
    const ofFile = () => hubSettings({}, { HF_HOME: home });
    expect(ofFile).toThrow(`${join(home, 'token')}: it holds a space, a line break`);
    const ofVariable = () => hubSettings({}, { HF_TOKEN: 'hf_x”' });
    expect(ofVariable).toThrow(/^HF_TOKEN: it holds .* beyond ASCII, as no key does/);
    for (const call of [ofFile, ofVariable]) expect(call).not.toThrow(/hf_/);
  });

  it('refuses an endpoint that is no address', () => {
    expect(() => hubSettings({}, { HF_ENDPOINT: 'huggingface.co' })).toThrow(
      'HF_ENDPOINT: "huggingface.co" is not an http(s) address',
    );
  });
});
