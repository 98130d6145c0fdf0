/** Values in the page's HTML. */
export interface PanelResources {
  /** Source of the extension's files in a content security policy. */
  readonly cspSource: string;
  /** URI of the script. */
  readonly script: string;
  /** URI of the stylesheet. */
  readonly style: string;
  readonly nonce: string;
  /** BCP 47 tag of the display language. */
  readonly language: string;
  readonly title: string;
  /** Sentence about the current work, shown until the page's script takes over. */
  readonly opening: string;
  /** Sentence about what the user can do, shown if the script has not taken over after `LATE_S`. */
  readonly late: string;
}

/** Seconds after which the page says that its script has not started. */
export const LATE_S = 20;

/**
 * Style of the opening sentence, which is drawn before stylesheet and script are loaded. It equals that of a page-wide status in
 * header.css, so that nothing moves when the script takes over. The animation ends after `LATE_S`.
 */
const OPENING = `
html, body { height: 100%; }
body {
  margin: 0;
  padding: 0;
  color: var(--vscode-foreground);
  background: var(--vscode-editor-background);
  font: var(--vscode-font-weight, normal) var(--vscode-font-size, 13px) / 1.4 var(--vscode-font-family, sans-serif);
}
.opening {
  box-sizing: border-box;
  display: flex;
  flex-direction: column;
  align-items: center;
  justify-content: center;
  height: 100vh;
  padding: 32px 24px;
}
.opening > div { position: relative; display: grid; gap: 8px; width: 100%; max-width: 420px; }
.opening p {
  display: flex;
  align-items: center;
  min-height: 26px;
  margin: 0;
  overflow-wrap: anywhere;
  color: var(--vscode-descriptionForeground, var(--vscode-foreground));
}
.opening-bar {
  height: 4px;
  overflow: hidden;
  border-radius: 2px;
  background: color-mix(in srgb, var(--vscode-foreground) 14%, transparent);
  animation: opening-rest 0s ${LATE_S}s both;
}
.opening-bar div {
  width: 30%;
  height: 100%;
  background: var(--vscode-progressBar-background, var(--vscode-focusBorder));
  animation: opening-slide 1.4s ease-in-out infinite alternate;
}
.opening .opening-late {
  position: absolute;
  top: 100%;
  left: 0;
  right: 0;
  margin-top: 8px;
  visibility: hidden;
  animation: opening-late 0s ${LATE_S}s both !important;
}
@keyframes opening-slide { to { transform: translateX(234%); } }
@keyframes opening-rest { to { visibility: hidden; } }
@keyframes opening-late { to { visibility: visible; } }
@media (prefers-reduced-motion: reduce) { .opening-bar div { animation: none; } }
`;

/** HTML of the panel's page. Its policy allows our script, our style and images drawn by the page, but no remote host and no eval. */
export function panelHtml({ cspSource, script, style, nonce, language, title, opening, late }: PanelResources): string {
  const policy =
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${cspSource} 'unsafe-inline'; ` +
    `img-src ${cspSource} data:; font-src ${cspSource}`;
  return (
    `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${OPENING}</style>
</head>
<body>
<div id="root"><main class="opening"><div role="status"><p>${escaped(opening)}</p><div class="opening-bar" ` +
    `aria-hidden="true"><div></div></div><p class="opening-late">${escaped(late)}</p></div></main></div>
<link rel="stylesheet" href="${escaped(style)}">
<script nonce="${nonce}" src="${escaped(script)}"></script>
</body>
</html>
`
  );
}

/** 128 random bits in base 36, from the platform's cryptographic source. */
export function makeNonce(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36).padStart(7, '0')).join('');
}

function escaped(text: string): string {
  return text.replace(/[&"<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
