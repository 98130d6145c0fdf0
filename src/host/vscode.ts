/** VS Code's API, imported only here so that a bundle holds it once; see `editorApi` in scripts/lib/bundles.mjs for the reason. */
export * as vscode from 'vscode';
