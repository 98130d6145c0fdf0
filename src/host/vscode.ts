/** The editor's API, imported here alone: a bundle copies all its names for each file that imports it, which was half of what activating cost. */
export * as vscode from 'vscode';
