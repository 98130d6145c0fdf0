/** Type of the webview panel, as in package.json. */
export const PANEL_TYPE = 'explainTokens.panel';
/** Id of the extension, as in package.json. */
export const EXTENSION_ID = 'explain-tokens.explain-tokens';
/** Type of the editor of saved reports, as in package.json. */
export const REPORT_EDITOR = 'explainTokens.report';
/** Id of the view of models, as in package.json. */
export const MODEL_VIEW = 'explainTokens.models';
/** Id of the view of surprises, as in package.json. */
export const SURPRISES_VIEW = 'explainTokens.surprises';
/** Id of the view of token counts, as in package.json. */
export const COUNTS_VIEW = 'explainTokens.counts';
