import { vscode } from './vscode.ts';
import type { RuntimeChoice } from './platform.ts';

const SECTION = 'explainTokens';

/** The settings as they are now. `model` and `nativeRuntime` are folders as the user wrote them, empty where not set. */
export interface Settings {
  readonly model: string;
  readonly runtime: RuntimeChoice;
  readonly nativeRuntime: string;
  readonly colors: boolean;
  readonly candidates: number;
  /** Address of the hub of models as the user wrote it; empty where not set. */
  readonly hubEndpoint: string;
}

/** Reads the settings; values of a wrong type or out of range count as not set. */
export function readSettings(): Settings {
  const section = vscode.workspace.getConfiguration(SECTION);
  const model: unknown = section.get('model');
  const runtime: unknown = section.get('runtime');
  const nativeRuntime: unknown = section.get('nativeRuntime');
  const candidates: unknown = section.get('candidates');
  const hubEndpoint: unknown = section.get('hubEndpoint');
  return {
    model: typeof model === 'string' ? model.trim() : '',
    runtime: runtime === 'wasm' || runtime === 'native' ? runtime : 'auto',
    nativeRuntime: typeof nativeRuntime === 'string' ? nativeRuntime.trim() : '',
    colors: section.get('colors') !== false,
    candidates: typeof candidates === 'number' && candidates >= 1 && candidates <= 50 ? Math.round(candidates) : 10,
    hubEndpoint: typeof hubEndpoint === 'string' ? hubEndpoint.trim() : '',
  };
}

/** Writes one setting for this machine's user. */
export async function writeSetting(name: 'model' | 'colors', value: string | boolean): Promise<void> {
  await vscode.workspace.getConfiguration(SECTION).update(name, value === '' ? undefined : value, vscode.ConfigurationTarget.Global);
}

/** Calls `listener` when one of `names` changed. */
export function onSettingChange(names: readonly (keyof Settings)[], listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (names.some((name) => event.affectsConfiguration(`${SECTION}.${name}`))) listener();
  });
}
