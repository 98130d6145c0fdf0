import { msg } from '../../../core/translatable.ts';
import { count, refuse, value, type Options } from '../config.ts';
import type { Place, Sizes } from '../llama/base.ts';
import { PLAIN_EXPERTS, type DenseMlp, type Experts, type Norm } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { gatedExperts } from './expertParts.ts';

/** Numbers of experts, and the width of each. */
export interface Gemma4Experts {
  readonly experts: number;
  readonly chosen: number;
  readonly inner: number;
}

/** The options of Gemma 4's experts. Throws UserError naming one that is missing. */
export function gemma4Experts(config: Options): Gemma4Experts {
  const needed = (name: string): number =>
    (value(config, name) ?? null) === null ? refuse(config, name, msg`is missing`) : count(config, name, 1);
  const [experts, chosen, inner] = [needed('num_experts'), needed('top_k_experts'), needed('moe_intermediate_size')];
  if (chosen > experts) refuse(config, 'top_k_experts', msg`is ${chosen}, with ${experts} experts`);
  return { experts, chosen, inner };
}

/** Experts beside the dense MLP, which runs for every token as a shared expert does; each part has norms of its own. */
export function gemma4Mixture(
  tensors: Tensors,
  { at }: Place,
  { dim, activation }: Sizes,
  { experts, chosen, inner }: Gemma4Experts,
  { dense, epsilon, plain }: { readonly dense: DenseMlp; readonly epsilon: number; plain(width: number): Norm },
): Experts {
  const norm = (name: string): Norm => tensors.rms(`${at}.${name}`, dim, epsilon);
  return {
    ...PLAIN_EXPERTS,
    chosen,
    score: 'softmax',
    normalised: true,
    scales: tensors.weight(`${at}.router.per_expert_scale`, [experts]),
    router: tensors.linear(`${at}.router.proj`, dim, experts, false),
    experts: gatedExperts(tensors, `${at}.experts`, experts, dim, inner, activation),
    shared: { mlp: dense, gate: null },
    norms: {
      router: { ...plain(dim), weight: tensors.weight(`${at}.router.scale`, [dim]) },
      routerScale: dim ** -0.5,
      experts: norm('pre_feedforward_layernorm_2'),
      behindExperts: norm('post_feedforward_layernorm_2'),
      behindShared: norm('post_feedforward_layernorm_1'),
    },
  };
}
