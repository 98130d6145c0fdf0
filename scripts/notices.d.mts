/** A package whose code is shipped. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** Path from the root of the repository. */
  readonly folder: string;
}
export function bundledPackages(): BundledPackage[];
export function writeNotices(): void;
