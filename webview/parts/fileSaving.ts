import { savedName } from './savedName.ts';

/** Content of a file. */
export type FileContent = string | Uint8Array<ArrayBuffer>;

/** Where what is saved or copied goes: the extension asks the user for the place. */
export interface FileTaker {
  readonly save: (name: string, content: FileContent) => void;
  readonly copy: (text: string) => void;
}

let taker: FileTaker | undefined;

/** Sets where the page's files go. */
export function setFileTaker(to: FileTaker): void {
  taker = to;
}

/** Has a file saved where the user likes. `name`: without its ending; that of a model with interventions says so. */
export function saveFile(name: string, ending: string, content: FileContent): void {
  taker?.save(`${savedName(name)}.${ending}`, content);
}

/** Copies a text. */
export function copyText(text: string): void {
  taker?.copy(text);
}
