import type { Activation } from '../../../core/activationFunctions.ts';
import { UserError } from '../../../core/errors.ts';
import { msg } from '../../../core/translatable.ts';
import { count, flag, list, refuse, type Options } from '../config.ts';
import { gatedMlp } from '../llama/base.ts';
import type { DenseMlp, Experts } from '../spec.ts';
import type { Tensors } from '../tensors.ts';

/** Names of one expert's matrices under "experts.0". */
interface Names {
  readonly gate: string;
  readonly up: string;
  readonly down: string;
}

const USUAL: Names = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };

/**
 * Gated experts in either storage layout: matrices for each expert, or one tensor for all, `gate_up_proj` [experts, 2 inner, D] and
 * `down_proj` [experts, D, inner]. `maybeTurned`: the family's first files hold the latter as [experts, in, out], which its shape tells.
 */
export function gatedExperts(
  tensors: Tensors,
  at: string,
  experts: number,
  dim: number,
  inner: number,
  activation: Activation,
  names: Names = USUAL,
  maybeTurned: boolean | 'always' = false,
): readonly DenseMlp[] {
  const packed = tensors.has(`${at}.gate_up_proj`);
  const looksTurned = tensors.shapeOf(`${at}.gate_up_proj`)?.[1] === dim && dim !== 2 * inner;
  const turned = maybeTurned === 'always' || (maybeTurned && looksTurned);
  return Array.from({ length: experts }, (_, index): DenseMlp => {
    if (!packed) {
      const linear = (name: string, input: number, output: number) => tensors.linear(`${at}.${index}.${name}`, input, output, false);
      return {
        kind: 'gated',
        activation,
        gate: linear(names.gate, dim, inner),
        up: linear(names.up, dim, inner),
        down: linear(names.down, inner, dim),
      };
    }
    const slice = (name: string, output: number, input: number) =>
      ({
        weight: tensors.slice(`${at}.${name}`, turned ? [experts, input, output] : [experts, output, input], index),
        layout: turned ? 'in-out' : 'out-in',
        bias: null,
      }) as const;
    return { kind: 'gatedFused', activation, gateUp: slice('gate_up_proj', 2 * inner, dim), down: slice('down_proj', dim, inner) };
  });
}

/** Number of experts each token is routed to. Throws UserError where it exceeds the number of experts. */
export function chosenExperts(config: Options, experts: number, absent: number): number {
  const chosen = count(config, 'num_experts_per_tok', absent);
  if (chosen > experts) refuse(config, 'num_experts_per_tok', msg`is ${chosen}, with ${experts} experts`);
  return chosen;
}

/** Which layers have experts, of a family with `decoder_sparse_step` and `mlp_only_layers`. */
export function sparseLayers(config: Options, experts: number): (layer: number) => boolean {
  const step = count(config, 'decoder_sparse_step', 1);
  const dense = list(config, 'mlp_only_layers', null, isLayer, msg`whole numbers`) ?? [];
  return (layer) => experts > 0 && !dense.includes(layer) && (layer + 1) % step === 0;
}

/** Whether an item of a list may be a layer's number. */
export function isLayer(item: unknown): item is number {
  return typeof item === 'number' && Number.isInteger(item);
}

/** `n_group` groups of experts, of which `topk_group` are kept. */
export function expertGroups(
  config: Options,
  experts: number,
  absent: readonly [groups: number, kept: number],
  by: 'best' | 'bestTwo',
): NonNullable<Experts['groups']> {
  const groups = count(config, 'n_group', absent[0]);
  const kept = count(config, 'topk_group', absent[1]);
  if (experts % groups !== 0) refuse(config, 'n_group', msg`is ${groups}, which does not divide ${experts} experts`);
  if (kept > groups) refuse(config, 'topk_group', msg`is ${kept}, with ${groups} groups`);
  if (by === 'bestTwo' && experts / groups < 2)
    throw new UserError(msg`config.json: "n_group" is ${groups}, which leaves groups of fewer than two of the ${experts} experts.`);
  return { count: groups, kept, by };
}

/** The shared expert, an MLP that runs for every token. */
export function sharedExperts(
  tensors: Tensors,
  at: string,
  dim: number,
  inner: number,
  activation: Activation,
  bias = false,
): { readonly mlp: DenseMlp; readonly gate: null } {
  return { mlp: gatedMlp(tensors, at, dim, inner, activation, bias), gate: null };
}

/** The option `norm_topk_prob`. */
export function normalisedOption(config: Options, absent: boolean): boolean {
  return flag(config, 'norm_topk_prob', absent);
}
