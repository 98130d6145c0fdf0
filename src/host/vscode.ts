/** The editor's API, imported here alone, so that a bundle holds it once; see `editorApi` in esbuild.mjs for what that saves. */
export * as vscode from 'vscode';
