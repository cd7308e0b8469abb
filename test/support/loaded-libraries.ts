/** Paths of the native libraries that this process has loaded. */
export function loadedLibraries(): string[] {
  const report = process.report.getReport() as unknown as { readonly sharedObjects: string[] };
  return report.sharedObjects;
}
