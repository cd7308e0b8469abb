/** The versions of Node that Lorikeet is for. */

export const TESTED_NODES = [20, 22, 24];

export const NODE_REMEDY = 'Install Node 20.19 or newer; 20, 22 and 24 are tested';

/** As `engines` in package.json has it. */
export function tooOldNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 20 || (major === 20 && minor < 19);
}
