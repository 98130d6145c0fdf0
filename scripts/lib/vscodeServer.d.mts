export interface VSCodeOptions {
  /** Folder that is copied and opened. */
  readonly workspace: string;
  /** VSIX files to install. */
  readonly vsix?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  /** 0: any free port. */
  readonly port?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
}
export interface VSCode {
  readonly folder: string;
  /** The copy of the workspace that is open. */
  readonly workspace: string;
  readonly userData: string;
  readonly token: string;
  readonly port: number;
  readonly pid: number;
  /** Installs a VSIX file, also while VS Code runs. */
  install(vsix: string): Promise<unknown>;
  /** Takes an extension away by its id, also while VS Code runs. */
  uninstall(id: string): Promise<unknown>;
  stop(): Promise<void>;
}
export function startVSCode(options: VSCodeOptions): Promise<VSCode>;
export function writeUserSettings(code: Pick<VSCode, 'userData'>, settings: Readonly<Record<string, unknown>>): void;

export function writeSettings(code: Pick<VSCode, 'userData'>, settings: Readonly<Record<string, unknown>>): void;
export function workbenchUrl(code: VSCode, openFile?: string): string;
