import { describe, expect, it } from 'vitest';
import { packData, unpackData } from '../../../src/report/packedData.ts';
import { fromSigns, toSigns } from '../../../src/report/signs.ts';
import { unzipText, zipText } from '../../../src/report/zippedText.ts';

/** Every kind of bits that a float32 has: normal, subnormal, zeros, infinities, and NaNs of several payloads. */
const BITS = Uint32Array.of(
  0,
  0x80000000,
  1,
  0x80000001,
  0x007fffff,
  0x3f800000,
  0xbf800001,
  0x7f800000,
  0xff800000,
  0x7fc00000,
  0x7fc12345,
);

describe('packed data', () => {
  it('is the same when it is read again, to the last bit of every number', () => {
    const value = {
      f32: new Float32Array(BITS.buffer),
      f64: Float64Array.of(Math.PI, -0, Number.MIN_VALUE, NaN),
      i32: Int32Array.of(-(2 ** 31), 2 ** 31 - 1),
      u8: Uint8Array.of(0, 255),
      empty: new Float32Array(0),
      view: Float32Array.of(1, 2, 3, 4).subarray(1, 3),
      plain: [null, true, 'é\ud800\u2028</script>', 0.1 + 0.2, -0, NaN, Infinity, -Infinity, { nested: [[]] }],
      left: undefined,
    };
    const read = unpackData(packData(value)) as typeof value;
    expect(read).toEqual({ ...value, left: undefined });
    expect(Object.hasOwn(read, 'left')).toBe(false);
    expect(new Uint32Array(read.f32.buffer)).toEqual(BITS);
    expect(read.view.byteLength).toBe(read.view.buffer.byteLength);
    expect([Object.is(read.plain[4], -0), Object.is(read.f64[1], -0)]).toEqual([true, true]);
  });

  it('keeps names that mean something elsewhere as names', () => {
    const value = JSON.parse('{"__proto__": {"polluted": 1}, "$f32": [0, 1], "$$x": 2, "constructor": 3, "$number": "NaN"}') as object;
    const read = unpackData(packData(value)) as object;
    expect(JSON.stringify(read)).toBe(JSON.stringify(value));
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });

  it('holds equal arrays once', () => {
    const numbers = Float32Array.from({ length: 1000 }, (_, index) => Math.sin(index));
    const once = packData([numbers]);
    const often = packData(Array.from({ length: 50 }, () => numbers.slice()));
    expect(often.length).toBeLessThan(once.length + 2000);
    expect((unpackData(often) as Float32Array[]).every((one) => one.every((number, index) => number === numbers[index]))).toBe(true);
    const other = numbers.slice();
    other[999] = 5;
    expect(packData([numbers, other]).length).toBeGreaterThan(2 * once.length - 100);
  });

  it.each([[new Map()], [() => 0], [10n], [{ inside: Symbol('s') }]])('refuses what is no plain data: %s', (value) => {
    expect(() => packData(value)).toThrow(TypeError);
  });

  it('refuses bytes that are cut off anywhere, and places outside', () => {
    const packed = packData({ numbers: Float32Array.of(1, 2, 3), text: 'some' });
    for (let length = 0; length < packed.length; length++) expect(() => unpackData(packed.slice(0, length)), String(length)).toThrow();
    const tree = new TextEncoder().encode('{"$f32":[2,4000000000]}');
    const wrong = new Uint8Array(20 + tree.length + 64);
    wrong.set(tree, 20);
    for (const count of [16, 0, 4e9]) {
      for (const [index, length] of [tree.length, count].entries()) new DataView(wrong.buffer).setUint32(4 * index, length, true);
      expect(() => unpackData(wrong)).toThrow('cut off');
    }
  });
});

describe('signs', () => {
  it('give every length of bytes again, and say nothing that ends an element or is read as another sign', () => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, index) => (index * 2654435761) >>> 24);
    for (const length of [...Array(40).keys(), 4095, 4096]) {
      for (const own of [bytes.subarray(0, length), new Uint8Array(length).fill(255), new Uint8Array(length)]) {
        const text = toSigns(own);
        expect(text).toMatch(/^[!-~]*$/);
        expect(text).not.toMatch(/[<&\\]/);
        expect(text.length).toBeLessThanOrEqual(Math.ceil((8 * length) / 6.5) + 1);
        expect(fromSigns(text)).toEqual(own.slice());
      }
    }
    expect(toSigns(Uint8Array.from({ length: 70_000 }, (_, index) => (index * index) >> 3)).length / 70_000).toBeLessThan(1.2309);
  });

  it.each(['a b', 'a<', 'ä!', '~~', '\n'])('refuse %j', (text) => {
    expect(() => fromSigns(text)).toThrow(RangeError);
  });
});

describe('zipped text', () => {
  it('is of signs that can be printed, and gives the bytes again', async () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, index) => (index * 7919) % 256);
    const text = await zipText(bytes);
    expect(text).toMatch(/^[!-%'-;=-[\]-~]+$/);
    expect(await unzipText(text, bytes.length)).toEqual(bytes);
  });

  it('tells one changed letter, and stops before it has more than it may', async () => {
    const text = await zipText(new Uint8Array(1_000_000));
    await expect(unzipText(text, 999_999)).rejects.toThrow(RangeError);
    const at = Math.floor(text.length / 2);
    const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    await expect(unzipText(changed, 1_000_000)).rejects.toThrow();
  });
});
