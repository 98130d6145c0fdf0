/** Activation functions of an MLP, each as in transformers' `activations.py`. */
export type Activation =
  | 'gelu'
  | 'geluTanh'
  | 'geluClipped'
  | 'geluQuick'
  | 'hardSwish'
  | 'laplace'
  | 'leakyRelu'
  | 'linear'
  | 'mish'
  | 'relu'
  | 'relu2'
  | 'relu6'
  | 'sigmoid'
  | 'silu'
  | 'sqrtSoftplus'
  | 'tanh';

/** xIELU of one number, in float64. */
export function xielu(
  x: number,
  { p, n, beta, epsilon }: { readonly p: number; readonly n: number; readonly beta: number; readonly epsilon: number },
): number {
  return (x > 0 ? p * x * x : n * (Math.expm1(Math.min(x, epsilon)) - x)) + beta * x;
}

/** ln(1 + e^x), in float64. */
export function softplusOf(x: number): number {
  return softplus(x);
}

/** The activation of one number, in float64. */
export function activate(activation: Activation, x: number): number {
  switch (activation) {
    case 'gelu':
      return gelu(x);
    case 'geluClipped':
      return Math.max(-10, Math.min(10, gelu(x)));
    case 'geluTanh':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case 'geluQuick':
      return x * sigmoid(1.702 * x);
    case 'hardSwish':
      return x * Math.max(0, Math.min(1, x / 6 + 0.5));
    case 'laplace':
      // oxlint-disable-next-line oxc/approx-constant -- the reference rounds its constants so
      return 0.5 * (1 + erf((x - 0.707107) / (0.282095 * Math.SQRT2)));
    case 'leakyRelu':
      return x < 0 ? 0.01 * x : x;
    case 'linear':
      return x;
    case 'mish':
      return x * Math.tanh(softplus(x));
    case 'relu':
      return Math.max(0, x);
    case 'relu2':
      return Math.max(0, x) ** 2;
    case 'relu6':
      return Math.max(0, Math.min(6, x));
    case 'sigmoid':
      return sigmoid(x);
    case 'silu':
      return x * sigmoid(x);
    case 'sqrtSoftplus':
      return Math.sqrt(softplus(x));
    case 'tanh':
      return Math.tanh(x);
  }
}

function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softplus(x: number): number {
  return Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** The error function: its series near 0, the continued fraction of its complement beyond (Abramowitz and Stegun, 7.1.6 and 7.1.14). */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = size;
  for (let n = 60; n > 0; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction);
}
