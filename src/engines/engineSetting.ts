import { engineAddress } from './engineConnection.ts';

/** A model at an engine. `model`: its name there; null: the only one. */
export interface EngineModel {
  /** As `engineAddress` gives it. */
  readonly address: string;
  readonly model: string | null;
}

/** Whether a setting that names a model names one at an engine: an address of http, where all others are paths or files. */
export function isEngineSetting(setting: string): boolean {
  return /^https?:\/\//i.test(setting);
}

/** The model that a setting names: an address, and behind `#` the model's name where there are several. Throws UserError for no address. */
export function engineModelOf(setting: string): EngineModel {
  const [address = '', ...rest] = setting.split('#');
  const name = rest.join('#');
  return { address: engineAddress(address), model: name === '' ? null : name };
}

/** The same; null for what is no address of an engine. */
export function engineModelIn(setting: string): EngineModel | null {
  try {
    return isEngineSetting(setting) ? engineModelOf(setting) : null;
  } catch {
    return null;
  }
}

/** The setting that names a model at an engine. */
export function engineSettingOf({ address, model }: EngineModel): string {
  return model === null ? address : `${address}#${model}`;
}

/** A model's name for people: its own, or else the engine's host. */
export function engineModelName({ address, model }: EngineModel): string {
  return model ?? new URL(address).host;
}
