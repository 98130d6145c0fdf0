import { at } from './tensor.ts';

/** An eigenvalue of a small matrix, and how far it stands apart. */
export interface Leading {
  readonly value: number;
  /** Distance to the nearest other eigenvalue. */
  readonly gap: number;
  /** The eigenvector. */
  readonly weights: Float64Array;
}

/**
 * The largest eigenvalues of a symmetric tridiagonal matrix by implicit QL steps with Wilkinson's shift (Golub and Van Loan, 8.3).
 * Eigenvectors are made of the rotations in reverse, for the few that are wanted. `beside`: the numbers next to the diagonal.
 */
export function largestOfTridiagonal(diagonal: readonly number[], beside: readonly number[], count: number): readonly Leading[] {
  const size = diagonal.length;
  const d = Float64Array.from(diagonal);
  const e = new Float64Array(size);
  e.set(beside.slice(0, size - 1));
  const rotations: number[] = [];
  for (let low = 0; low < size; low++) {
    for (;;) {
      let high = low;
      while (high < size - 1 && Math.abs(at(e, high)) > Number.EPSILON * (Math.abs(at(d, high)) + Math.abs(at(d, high + 1)))) high++;
      if (high === low) break;
      const slope = (at(d, low + 1) - at(d, low)) / (2 * at(e, low));
      const root = Math.sqrt(slope * slope + 1);
      let g = at(d, high) - at(d, low) + at(e, low) / (slope + (slope < 0 ? -root : root));
      let sine = 1;
      let cosine = 1;
      let shift = 0;
      for (let i = high - 1; i >= low; i--) {
        const f = sine * at(e, i);
        const b = cosine * at(e, i);
        const radius = Math.sqrt(f * f + g * g);
        e[i + 1] = radius;
        sine = radius === 0 ? 0 : f / radius;
        cosine = radius === 0 ? 1 : g / radius;
        g = at(d, i + 1) - shift;
        const turned = (at(d, i) - g) * sine + 2 * cosine * b;
        shift = sine * turned;
        d[i + 1] = g + shift;
        g = cosine * turned - b;
        rotations.push(i, cosine, sine);
      }
      d[low] = at(d, low) - shift;
      e[low] = g;
      e[high] = 0;
    }
  }
  const order = Array.from(d.keys()).toSorted((a, b) => at(d, b) - at(d, a));
  return order.slice(0, count).map((index, place) => {
    const value = at(d, index);
    const near = [order[place - 1], order[place + 1]].flatMap((other) => (other === undefined ? [] : [Math.abs(value - at(d, other))]));
    return { value: Math.max(0, value), gap: Math.min(value, ...near), weights: turnedBack(rotations, size, index) };
  });
}

/** Column `index` of the product of all rotations. */
function turnedBack(rotations: readonly number[], size: number, index: number): Float64Array {
  const column = new Float64Array(size);
  column[index] = 1;
  for (let r = rotations.length - 3; r >= 0; r -= 3) {
    const i = at(rotations, r);
    const [cosine, sine] = [rotations[r + 1] ?? Number.NaN, rotations[r + 2] ?? Number.NaN];
    const [first, second] = [column[i] ?? Number.NaN, column[i + 1] ?? Number.NaN];
    column[i] = cosine * first + sine * second;
    column[i + 1] = cosine * second - sine * first;
  }
  return column;
}
