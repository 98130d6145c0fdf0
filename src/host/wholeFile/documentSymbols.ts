import { vscode } from '../vscode.ts';
import type { TextSymbol } from '../../core/surpriseList.ts';

/** The symbols of a document by its language's own extension, those inside others too; none where there is no such extension. */
export async function documentSymbols(document: vscode.TextDocument): Promise<readonly TextSymbol[]> {
  const found = await vscode.commands.executeCommand<readonly (vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined>(
    'vscode.executeDocumentSymbolProvider',
    document.uri,
  );
  const symbolsIn = (symbol: vscode.DocumentSymbol | vscode.SymbolInformation): readonly TextSymbol[] => {
    const range = 'location' in symbol ? symbol.location.range : symbol.range;
    const own = { name: symbol.name, start: document.offsetAt(range.start), end: document.offsetAt(range.end) };
    return [own, ...('children' in symbol ? symbol.children.flatMap(symbolsIn) : [])];
  };
  return (found ?? []).flatMap(symbolsIn);
}
