/** Names that package.json and the code share. */
export const PANEL_TYPE = 'explainTokens.panel';
export const MODEL_VIEW = 'explainTokens.models';
