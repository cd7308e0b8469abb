#!/usr/bin/env node
/** Entry point of the `lorikeet` program. What it imports must be read by every Node: older ones fail on the syntax of the rest. */
import { NODE_REMEDY, tooOldNode } from '../util/node-version.js';

const { node } = process.versions;
if (tooOldNode(node)) {
  process.stderr.write(`error: Node ${node} is too old. ${NODE_REMEDY}\n`);
  process.exitCode = 2;
} else {
  await import('./program.js');
}
