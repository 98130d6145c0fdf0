/** Config file of a peft adapter, whose weights are added to those of a base model that it names. */
export const ADAPTER_CONFIG = 'adapter_config.json';
/** Weights file of a peft adapter. */
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
const ADAPTER = /^adapter_(config\.json|model\.(safetensors|bin))$/;

/** The files of an adapter among names in a folder. */
export function adapterNames(names: readonly string[]): readonly string[] {
  return names.filter((name) => ADAPTER.test(name)).toSorted();
}

/** Whether a folder of these files holds an adapter and no model that it could be added to. */
export function isAdapterAlone(names: readonly string[]): boolean {
  return adapterNames(names).length > 0 && !names.some((name) => name.endsWith('.safetensors') && name !== ADAPTER_WEIGHTS);
}
