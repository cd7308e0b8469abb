/**
 * A graph that copies rows, with all that is kept of their past, from one cache into another (or the same) inside a
 * device's memory. Input and output of a cache are one buffer, so that `ScatterND` writes nothing but the rows that
 * change.
 */
import type { DecoderSpec } from '../../model/spec.js';
import { type BuiltGraph, GraphBuilder } from '../onnx/graph-builder.js';
import type { ElementType } from '../onnx/schema.js';
import { cacheTensors } from './cache-tensors.js';

export const FROM_ROWS = 'from_rows'; // int32 [n]
export const TO_ROWS = 'to_rows'; // int64 [n, 1]
/** Zeros put around the rows so that they fill a row of the target: those of `Pad` over its 4 axes. */
export const PADS = 'pads'; // int64 [8]
/** Of each of `cacheTensors`: [P, KV heads, M', head size], or a state [P, …]; [D, …] */
export const fromCache = (index: number) => `from_${index}`;
export const toCache = (index: number) => `to_${index}`;
export const movedCache = (index: number) => `moved_${index}`; // the same as `to`

/** @param type Of keys and values. */
export function rowMovesGraph(spec: DecoderSpec, type: ElementType): BuiltGraph {
  const graph = new GraphBuilder();
  graph.input(FROM_ROWS, 'int32', ['n']);
  graph.input(TO_ROWS, 'int64', ['n', 1]);
  graph.input(PADS, 'int64', [8]);
  for (const [i, { kind, rowShape }] of cacheTensors(spec).entries()) {
    const element = kind === 'tokens' ? type : 'float32';
    const from = graph.input(fromCache(i), element, ['P', ...rowShape('from_capacity')]);
    const to = graph.input(toCache(i), element, ['D', ...rowShape('capacity')]);
    const picked = graph.node('Gather', [from, FROM_ROWS]);
    const rows = kind === 'tokens' ? graph.node('Pad', [picked, PADS]) : picked;
    graph.node('ScatterND', [to, TO_ROWS, rows], { outputs: [movedCache(i)] });
    graph.output(movedCache(i), element, ['D', ...rowShape('capacity')]);
  }
  return graph.build('row moves');
}
