export const ROOT: string;
export const VSCODE_FOLDER: string;
export const NATIVE_FOLDER: string;
export const ARTIFACTS: string;
export const VSCODE: string;
export const SERVER_MAIN: string;
export const SERVER_NODE: string;
export const VSCE: string;
