/** Options for a served VS Code. */
export interface VSCodeOptions {
  /** Folder whose copy is opened. */
  readonly workspace: string;
  /** VSIX files to install. */
  readonly vsix?: readonly string[];
  /** User settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Port to listen on; 0: any free port. */
  readonly port?: number;
  /** Further arguments of the server. */
  readonly args?: readonly string[];
  /** Further environment variables of the server and its extension host. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** Whether workspaces are trusted only when the user says so; by default all are trusted. */
  readonly trust?: boolean;
  /** Entries of keybindings.json. */
  readonly keybindings?: readonly { readonly key: string; readonly command: string; readonly args?: unknown }[];
}
/** A running, served VS Code. */
export interface VSCode {
  /** Temporary folder with all of its files. */
  readonly folder: string;
  /** The open copy of the workspace. */
  readonly workspace: string;
  readonly userData: string;
  readonly token: string;
  readonly port: number;
  readonly pid: number;
  /** Installs a VSIX file while VS Code runs. */
  install(vsix: string): Promise<unknown>;
  /** Uninstalls an extension by its id while VS Code runs. */
  uninstall(id: string): Promise<unknown>;
  /** Ends VS Code and removes its folder. */
  stop(): Promise<void>;
}
export function startVSCode(options: VSCodeOptions): Promise<VSCode>;
export function writeUserSettings(code: Pick<VSCode, 'userData'>, settings: Readonly<Record<string, unknown>>): void;

export function writeSettings(code: Pick<VSCode, 'userData'>, settings: Readonly<Record<string, unknown>>): void;
export function workbenchUrl(code: VSCode, openFile?: string): string;
