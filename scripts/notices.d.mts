export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}
export function bundledPackages(): BundledPackage[];
export function writeNotices(): void;
