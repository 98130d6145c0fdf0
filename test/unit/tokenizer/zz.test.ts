import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { it } from 'vitest';
import { createTokenizer } from '../../../src/model/tokenizer.ts';
const ref = JSON.parse(gunzipSync(readFileSync(new URL('../../fixtures/tokenizer/kinds.json.gz', import.meta.url))).toString()) as any;
it('speed', () => {
  for (const [name, json] of Object.entries(ref.tokenizers)) {
    const t = createTokenizer(json as any, 2000);
    const out = [];
    for (const unit of ['a', ' ', '中', 'The fox said: 你好! ', 'e\u0301']) {
      const text = unit.repeat(100_000 / unit.length);
      const s = performance.now();
      t.count(text);
      out.push(Math.round(performance.now() - s));
    }
    const s = performance.now();
    t.encode('The fox said: 你好! '.repeat(5000));
    console.log(name, out.join(' '), 'encode', Math.round(performance.now() - s));
  }
}, 300000);
