import type { Activation } from '../../core/activationFunctions.ts';
import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { quoted } from '../formats/modelFiles.ts';

/** Activations of transformers' ACT2FN that have no parameters, by name. */
const BY_NAME: ReadonlyMap<string, Activation> = new Map([
  ['gelu', 'gelu'],
  ['gelu_python', 'gelu'],
  ['gelu_10', 'geluClipped'],
  ['gelu_new', 'geluTanh'],
  ['gelu_fast', 'geluTanh'],
  ['gelu_accurate', 'geluTanh'],
  ['gelu_pytorch_tanh', 'geluTanh'],
  ['gelu_python_tanh', 'geluTanh'],
  ['quick_gelu', 'geluQuick'],
  ['hardswish', 'hardSwish'],
  ['laplace', 'laplace'],
  ['leaky_relu', 'leakyRelu'],
  ['linear', 'linear'],
  ['mish', 'mish'],
  ['relu', 'relu'],
  ['relu2', 'relu2'],
  ['relu6', 'relu6'],
  ['sigmoid', 'sigmoid'],
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['sqrtsoftplus', 'sqrtSoftplus'],
  ['tanh', 'tanh'],
] as const);

/** The activation that config.json names in `option`. Throws UserError for one that is not known or has weights of its own. */
export function activationNamed(name: string, option: string): Activation {
  const activation = BY_NAME.get(name);
  if (activation === undefined) throw new UserError(msg`config.json: "${option}" is ${quoted(name)}, an activation that is not supported.`);
  return activation;
}
