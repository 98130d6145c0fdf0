// Texts that VS Code turns into links or icons, by the patterns in its sources.

/** `LINK_REGEX` of vs/base/common/linkedText.ts. */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/gi;
/** Icons in labels, escaped or not (vs/base/common/iconLabels.ts). */
const ICON = /\$\([A-Za-z0-9-]+(?:~[A-Za-z]+)?\)/g;

/** Control and format characters, line separators, and characters without a glyph, among them the joiners and selectors of emoji. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Default_Ignorable_Code_Point}]/u;

/** Links and icons that VS Code would make of a text. */
export function linksAndIcons(text: string): readonly string[] {
  // VS Code joins the lines of a notification before it looks for links.
  const line = text.replaceAll(/\r\n|\n|\r/g, ' ');
  return [...line.matchAll(LINK), ...line.matchAll(ICON)].map(([found]) => found);
}
