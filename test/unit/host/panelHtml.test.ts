import { expect, test } from 'vitest';
import { makeNonce, panelHtml } from '../../../src/host/panelHtml.ts';
import { withOwnedArrays } from '../../../src/host/ownedArrays.ts';

const resources = { cspSource: 'https://csp.example', script: 'https://r/webview.js', style: 'https://r/webview.css', nonce: 'abc', language: 'zh-cn', title: '"><script>alert(1)</script>' };

test('the page allows its own script by nonce, its own style, images and fonts, and nothing else', () => {
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(panelHtml(resources))?.[1];
  expect(policy).toBe("default-src 'none'; script-src 'nonce-abc'; style-src https://csp.example 'unsafe-inline'; img-src https://csp.example data:; font-src https://csp.example");
});

test('a hostile title stays text', () => {
  const html = panelHtml(resources);
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).toContain('<html lang="zh-cn">');
});

test('every nonce is another', () => {
  const nonces = Array.from({ length: 100 }, makeNonce);
  expect(new Set(nonces).size).toBe(100);
  expect(nonces.every((nonce) => /^[0-9a-z]{28}$/.test(nonce))).toBe(true);
});

test('arrays leave in buffers of their own', () => {
  const whole = Float32Array.of(1, 2);
  const sent = withOwnedArrays({ whole, view: Int32Array.of(1, 2, 3).subarray(1, 2), shared: new Uint8Array(new SharedArrayBuffer(2)), text: 'x', list: [1] });
  expect(sent.whole).toBe(whole);
  expect([...sent.view]).toEqual([2]);
  expect(sent.view.buffer.byteLength).toBe(4);
  expect(sent.shared.buffer).toBeInstanceOf(ArrayBuffer);
  expect(sent).toMatchObject({ text: 'x', list: [1] });
  const { stages } = withOwnedArrays({ stages: [{ name: 'query', values: Float32Array.of(1, 2, 3).subarray(2), made: { kind: 'norm', weight: Float32Array.of(4, 5).subarray(1), bias: null } }] });
  expect(stages.flatMap(({ values, made }) => [values.buffer.byteLength, made.weight.buffer.byteLength, made.bias])).toEqual([4, 4, null]);
});
