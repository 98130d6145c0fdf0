/** What the names of the tools begin with in the editor, where those of all extensions are together. */
export const TOOL_PREFIX = 'explain-tokens_';
