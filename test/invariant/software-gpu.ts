/**
 * A graphics device made of software, for tests: SwiftShader's Vulkan driver, which Chromium brings. Vulkan's
 * loader finds the driver by VK_ICD_FILENAMES.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { openHandles } from '../../src/rollout/ort/api.js';
import { ortRuntime } from '../../src/rollout/ort/runtime.js';

const CHROMIUM = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Path of the driver's description, or null. */
function softwareGpu(): string | null {
  const named = process.env.VK_ICD_FILENAMES;
  if (named !== undefined) return existsSync(named) ? named : null;
  return process.platform === 'linux' && existsSync(CHROMIUM) ? CHROMIUM : null;
}

/** Makes this process use it. @returns Whether there is one; where there is none, that is said */
export function useSoftwareGpu(): boolean {
  const icd = softwareGpu();
  if (icd === null) {
    const why = 'no software Vulkan driver (VK_ICD_FILENAMES, chromium)';
    process.stderr.write(`WebGPU: skipped, ${why}\n`);
    return false;
  }
  process.env.VK_ICD_FILENAMES = icd;
  ortRuntime();
  // Chromium's loader is not where the system looks; one that is loaded is found by its name.
  const loader = join(dirname(icd), 'libvulkan.so.1');
  if (existsSync(loader)) openHandles.push(koffi.load(loader));
  return true;
}
