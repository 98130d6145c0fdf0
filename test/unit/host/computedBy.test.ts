import { expect, it, vi } from 'vitest';
import { countText } from '../../../src/core/countText.ts';
import { english, msg } from '../../../src/core/translatable.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';
import { explanationOf, MODEL } from './explanations.ts';

vi.mock('vscode', () => ({ l10n: { t: (text: string, ...values: readonly (string | number)[]) => english(text, ...values) } }));
const { computedBy, noticesOf } = await import('../../../src/host/explain/progressTexts.ts');

const native: ModelInfo = { ...MODEL, runtime: 'native', threads: 2 };
const said = (model: ModelInfo): readonly string[] => [
  computedBy(model),
  ...noticesOf({ unread: 0 }, { explanation: { ...explanationOf([]), model } }),
];

it('says of a text that was not read to its end what was left out, and of a chat message how to see the rest', () => {
  const explanation = { ...explanationOf([]), omitted: 1234 };
  const cut = `${MODEL.name} reads ${countText(MODEL.contextLength)} tokens at once: the last 1,234 characters of the text were left out.`;
  expect(noticesOf({ unread: 0 }, { explanation })).toEqual([cut]);
  expect(noticesOf({ unread: 0 }, { explanation: { ...explanation, chat: true } })).toEqual([
    `${cut} A chat message is read from its beginning, since the chat template stands around all of it; explained as plain text, ` +
      'it is read in windows.',
  ]);
});

it('says what computes, and of an execution provider how far it is off, or why it is not used', () => {
  expect(said(MODEL)).toEqual(['Computed by: WebAssembly, threads: 1.']);
  expect(said(native)).toEqual(['Computed by: native, threads: 2.']);
  expect(said({ ...native, provider: { kind: 'used', provider: 'webgpu', difference: 0.0000132468 } })).toEqual([
    'Computed by: native, WebGPU, threads: 2, difference from the CPU in a self-check: 0.000013.',
    'WebGPU computes, up to 0.000013 off the CPU in a self-check: float32 equality is promised for the CPU alone.',
  ]);
  const why = msg`The native runtime here has no execution provider ${'CoreML'}, so the CPU computes.`;
  expect(said({ ...native, provider: { kind: 'refused', provider: 'coreml', why, details: 'cpu' } })).toEqual([
    'Computed by: native, threads: 2.',
    'The native runtime here has no execution provider CoreML, so the CPU computes.',
  ]);
});
