import { msg } from '../../../core/translatable.ts';
import { count, list, number, refuse, type Options } from '../config.ts';
import { gatedMlp, type Place, type Sizes } from '../llama/base.ts';
import { PLAIN_EXPERTS, type Experts, type Mlp } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, expertGroups, gatedExperts, normalisedOption, sharedExperts } from './expertParts.ts';

const MLP_KINDS = ['dense', 'sparse'] as const;

function isMlpKind(item: unknown): item is (typeof MLP_KINDS)[number] {
  return MLP_KINDS.some((kind) => kind === item);
}

/** Which layers have experts: by `mlp_layer_types`, or by the family's rule where the option is missing. */
export function sparseByKind(config: Options, layers: number, rule: (layer: number) => boolean): (layer: number) => boolean {
  const kinds = list(config, 'mlp_layer_types', layers, isMlpKind, msg`${MLP_KINDS[0]} and ${MLP_KINDS[1]}`);
  return kinds === null ? rule : (layer) => kinds[layer] === 'sparse';
}

/** Options of expert routing in which families differ. */
export type Routing = Pick<Experts, 'score' | 'normalised' | 'groups'> & { readonly correction: (place: Place) => Experts['correction'] };

/** Routing of DeepSeek V3 and its relatives: by sigmoid and a correction, within groups; `groups`: their defaults. */
export function sigmoidRouting(
  config: Options,
  tensors: Tensors,
  experts: number,
  groups: readonly [groups: number, kept: number],
  correction = 'gate.e_score_correction_bias',
): Routing {
  return {
    score: 'sigmoid',
    normalised: normalisedOption(config, true),
    correction: ({ mlp }) => tensors.weight(`${mlp}.${correction}`, [experts]),
    groups: expertGroups(config, experts, groups, 'bestTwo'),
  };
}

/** Routing by sigmoid and a correction, without groups, whose weights always sum to 1: that of Trinity and Hy3. */
export function biasedRouting(tensors: Tensors, experts: number): Routing {
  return {
    score: 'sigmoid',
    normalised: true,
    groups: null,
    correction: ({ mlp }) => tensors.weight(`${mlp}.expert_bias`, [experts]),
  };
}

/** Names of a family's tensors under the MLP, and of its options. */
interface ExpertNames {
  readonly router: string;
  readonly shared: string;
  readonly sharedOption: string;
  readonly scaleOption: string;
}

const USUAL: ExpertNames = {
  router: 'gate',
  shared: 'shared_experts',
  sharedOption: 'n_shared_experts',
  scaleOption: 'routed_scaling_factor',
};

/** Defaults of options about experts. */
export interface ExpertDefaults {
  readonly firstSparse: number;
  /** Which layers have experts; default: those from `first_k_dense_replace` on. */
  readonly isSparse?: (layer: number) => boolean;
  /** Whether the dense MLPs and the shared one have biases. */
  readonly bias: boolean;
  readonly experts: number;
  readonly chosen: number;
  readonly scale: number;
  readonly inner: number;
  /** Experts as wide as which the shared one is; null: the family has no shared one. */
  readonly shared: number | null;
  /** Names in which the family differs from DeepSeek. */
  readonly names?: Partial<ExpertNames>;
}

/** Dense MLPs in the layers before `first_k_dense_replace`, experts with shared ones from there on. */
export function denseThenExperts(
  config: Options,
  tensors: Tensors,
  { dim, inner, activation }: Sizes,
  absent: ExpertDefaults,
  { correction, ...routing }: Routing,
): (place: Place) => Mlp {
  const names = { ...USUAL, ...absent.names };
  const firstSparse = absent.isSparse === undefined ? count(config, 'first_k_dense_replace', absent.firstSparse, 0) : 0;
  const isSparse = absent.isSparse ?? ((layer) => layer >= firstSparse);
  const expertInner = count(config, 'moe_intermediate_size', absent.inner);
  const sharedInner = absent.shared === null ? null : expertInner * count(config, names.sharedOption, absent.shared);
  const chosen = chosenExperts(config, absent.experts, absent.chosen);
  const scale = number(config, names.scaleOption, absent.scale);
  const available = routing.groups === null ? absent.experts : (routing.groups.kept * absent.experts) / routing.groups.count;
  if (chosen > available) refuse(config, 'num_experts_per_tok', msg`is ${chosen}, more than the groups that are kept hold`);
  return (place) => {
    if (!isSparse(place.layer)) return gatedMlp(tensors, place.mlp, dim, inner, activation, absent.bias);
    return {
      ...PLAIN_EXPERTS,
      chosen,
      scale,
      ...routing,
      correction: correction(place),
      router: tensors.linear(`${place.mlp}.${names.router}`, dim, absent.experts, false),
      experts: gatedExperts(tensors, `${place.mlp}.experts`, absent.experts, dim, expertInner, activation),
      shared:
        sharedInner === null ? null : sharedExperts(tensors, `${place.mlp}.${names.shared}`, dim, sharedInner, activation, absent.bias),
    };
  };
}
