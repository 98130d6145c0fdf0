import { afterEach, expect, it, vi } from 'vitest';
import { ensureFirefox, findFirefox } from '../../scripts/lib/browser.mjs';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('says in one sentence that there is no Firefox where none is and none can be installed', () => {
  vi.stubEnv('PATH', '/nowhere');
  vi.stubEnv('FIREFOX_PATH', '');
  expect(findFirefox()).toBeUndefined();
  expect(() => ensureFirefox(() => undefined)).toThrow(
    /^No Firefox was found and none could be installed: install firefox-esr or Firefox, or set FIREFOX_PATH to one\.$/,
  );
});

it('names a FIREFOX_PATH that does not exist', () => {
  vi.stubEnv('FIREFOX_PATH', '/nowhere/firefox');
  expect(findFirefox).toThrow('FIREFOX_PATH names a file that does not exist: /nowhere/firefox');
});
