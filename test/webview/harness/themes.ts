// Values of VS Code's own four themes, as a webview receives them. For tests only: the panel itself has no fixed colours.
const FONTS = {
  'font-family': '-apple-system, BlinkMacSystemFont, "Segoe WPC", "Segoe UI", system-ui, Ubuntu, "Droid Sans", sans-serif', 'font-size': '13px', 'font-weight': 'normal',
  'editor-font-family': '"Droid Sans Mono", "DejaVu Sans Mono", monospace', 'editor-font-size': '14px',
};

const DARK = {
  foreground: '#cccccc', 'editor-background': '#1f1f1f', 'editor-foreground': '#cccccc', descriptionForeground: '#9d9d9d', 'panel-border': '#2b2b2b', focusBorder: '#0078d4',
  'charts-blue': '#3794ff', 'charts-orange': '#ea5c0055', 'explainTokens-surprisal5': '#d186169e', 'charts-green': '#89d185', errorForeground: '#f85149', 'editorWarning-foreground': '#cca700',
  'button-background': '#0078d4', 'button-foreground': '#ffffff', 'button-hoverBackground': '#026ec1', 'button-border': 'rgba(255, 255, 255, 0.07)',
  'button-secondaryBackground': '#313131', 'button-secondaryForeground': '#cccccc', 'button-secondaryHoverBackground': '#3c3c3c',
  'editorHoverWidget-background': '#202020', 'editorHoverWidget-foreground': '#cccccc', 'editorHoverWidget-border': '#454545', 'widget-shadow': 'rgba(0, 0, 0, 0.36)', 'widget-border': '#313131',
  'list-hoverBackground': '#2a2d2e', 'list-inactiveSelectionBackground': '#37373d', 'panelTitle-activeBorder': '#0078d4', 'panelTitle-activeForeground': '#cccccc', 'panelTitle-inactiveForeground': '#9d9d9d',
  'textLink-foreground': '#4daafc', 'textLink-activeForeground': '#4daafc', 'checkbox-background': '#313131', 'checkbox-border': '#3c3c3c', 'checkbox-foreground': '#cccccc',
  'progressBar-background': '#0078d4', 'toolbar-hoverBackground': 'rgba(90, 93, 94, 0.31)',
};
const LIGHT = {
  foreground: '#3b3b3b', 'editor-background': '#ffffff', 'editor-foreground': '#3b3b3b', descriptionForeground: '#3b3b3b', 'panel-border': '#e5e5e5', focusBorder: '#005fb8',
  'charts-blue': '#1a85ff', 'charts-orange': '#ea5c0055', 'explainTokens-surprisal5': '#d186169e', 'charts-green': '#388a34', errorForeground: '#f85149', 'editorWarning-foreground': '#bf8803',
  'button-background': '#005fb8', 'button-foreground': '#ffffff', 'button-hoverBackground': '#0258a8', 'button-border': 'rgba(0, 0, 0, 0.1)',
  'button-secondaryBackground': '#e5e5e5', 'button-secondaryForeground': '#3b3b3b', 'button-secondaryHoverBackground': '#cccccc',
  'editorHoverWidget-background': '#f8f8f8', 'editorHoverWidget-foreground': '#3b3b3b', 'editorHoverWidget-border': '#c8c8c8', 'widget-shadow': 'rgba(0, 0, 0, 0.16)', 'widget-border': '#e5e5e5',
  'list-hoverBackground': '#f2f2f2', 'list-inactiveSelectionBackground': '#e4e6f1', 'panelTitle-activeBorder': '#005fb8', 'panelTitle-activeForeground': '#3b3b3b', 'panelTitle-inactiveForeground': '#3b3b3b',
  'textLink-foreground': '#005fb8', 'textLink-activeForeground': '#005fb8', 'checkbox-background': '#f8f8f8', 'checkbox-border': '#cecece', 'checkbox-foreground': '#3b3b3b',
  'progressBar-background': '#005fb8', 'toolbar-hoverBackground': 'rgba(184, 184, 184, 0.31)',
};
const HIGH_CONTRAST = {
  foreground: '#ffffff', 'editor-background': '#000000', 'editor-foreground': '#ffffff', descriptionForeground: 'rgba(255, 255, 255, 0.7)', contrastBorder: '#6fc3df', contrastActiveBorder: '#f38518', 'panel-border': '#6fc3df', focusBorder: '#f38518',
  'charts-blue': '#3794ff', 'charts-orange': '#ea5c0055', 'explainTokens-surprisal5': '#d18616b3', 'charts-green': '#89d185', errorForeground: '#f48771', 'editorWarning-foreground': '#ffd370',
  'button-foreground': '#ffffff', 'button-border': '#6fc3df', 'button-secondaryForeground': '#ffffff',
  'editorHoverWidget-background': '#0c141f', 'editorHoverWidget-foreground': '#ffffff', 'editorHoverWidget-border': '#6fc3df', 'widget-border': '#6fc3df',
  'list-hoverBackground': 'rgba(255, 255, 255, 0.1)', 'panelTitle-activeBorder': '#6fc3df', 'panelTitle-activeForeground': '#ffffff', 'panelTitle-inactiveForeground': '#ffffff',
  'textLink-foreground': '#21a6ff', 'textLink-activeForeground': '#21a6ff', 'checkbox-background': '#000000', 'checkbox-border': '#6fc3df', 'checkbox-foreground': '#ffffff', 'progressBar-background': '#6fc3df',
};
const HIGH_CONTRAST_LIGHT = {
  foreground: '#292929', 'editor-background': '#ffffff', 'editor-foreground': '#292929', descriptionForeground: 'rgba(41, 41, 41, 0.7)', contrastBorder: '#0f4a85', contrastActiveBorder: '#006bbd', 'panel-border': '#0f4a85', focusBorder: '#006bbd',
  'charts-blue': '#1a85ff', 'charts-orange': '#ea5c0055', 'explainTokens-surprisal5': '#d18616b3', 'charts-green': '#374e06', errorForeground: '#b5200d', 'editorWarning-foreground': '#895503',
  'button-background': '#0f4a85', 'button-foreground': '#ffffff', 'button-border': '#0f4a85', 'button-secondaryBackground': '#ffffff', 'button-secondaryForeground': '#0f4a85',
  'editorHoverWidget-background': '#ffffff', 'editorHoverWidget-foreground': '#292929', 'editorHoverWidget-border': '#0f4a85', 'widget-border': '#0f4a85',
  'list-hoverBackground': 'rgba(15, 74, 133, 0.1)', 'panelTitle-activeBorder': '#b5200d', 'panelTitle-activeForeground': '#292929', 'panelTitle-inactiveForeground': '#292929',
  'textLink-foreground': '#0f4a85', 'textLink-activeForeground': '#0f4a85', 'checkbox-background': '#ffffff', 'checkbox-border': '#0f4a85', 'checkbox-foreground': '#292929', 'progressBar-background': '#0f4a85',
};

export const THEMES = {
  dark: { bodyClass: 'vscode-dark', variables: { ...FONTS, ...DARK } },
  light: { bodyClass: 'vscode-light', variables: { ...FONTS, ...LIGHT } },
  'high-contrast': { bodyClass: 'vscode-high-contrast', variables: { ...FONTS, ...HIGH_CONTRAST } },
  'high-contrast-light': { bodyClass: 'vscode-high-contrast vscode-high-contrast-light', variables: { ...FONTS, ...HIGH_CONTRAST_LIGHT } },
} as const;
export type ThemeName = keyof typeof THEMES;
