import { expect, test } from 'vitest';
import { makeNonce, panelHtml } from '../../../src/host/panel/panelHtml.ts';

const resources = {
  cspSource: 'https://csp.example',
  script: 'https://r/webview.js',
  style: 'https://r/webview.css',
  nonce: 'abc',
  language: 'zh-cn',
  title: '"><script>alert(1)</script>',
  opening: 'Reading <script>x</script> & more…',
  late: '<img src=x>',
};

test('the page allows its own script by nonce, its own style, images and fonts, and nothing else', () => {
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(panelHtml(resources))?.[1];
  expect(policy).toBe(
    "default-src 'none'; script-src 'nonce-abc'; style-src https://csp.example 'unsafe-inline'; img-src https://csp.example " +
      'data:; font-src https://csp.example',
  );
});

test('a hostile title stays text', () => {
  const html = panelHtml(resources);
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).toContain('<html lang="zh-cn">');
  expect(html).not.toContain('<img');
});

test('the page says what is going on before its own files are there', () => {
  const html = panelHtml(resources);
  const words = html.indexOf('<div role="status"><p>Reading &#60;script&#62;x&#60;/script&#62; &#38; more…</p>');
  expect(words).toBeGreaterThan(0);
  for (const file of ['<link rel="stylesheet"', '<script nonce']) expect(html.indexOf(file), file).toBeGreaterThan(words);
});

test('every nonce is another', () => {
  const nonces = Array.from({ length: 100 }, makeNonce);
  expect(new Set(nonces).size).toBe(100);
  expect(nonces.every((nonce) => /^[0-9a-z]{28}$/.test(nonce))).toBe(true);
});
