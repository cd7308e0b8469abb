/**
 * A graph that copies rows from one key/value cache into another (or the same) inside a device's memory. Input
 * and output of a cache are one buffer, so that `ScatterND` writes nothing but the rows that change.
 */
import type { DecoderSpec } from '../../model/spec.js';
import { type BuiltGraph, GraphBuilder } from '../onnx/graph-builder.js';
import type { ElementType } from '../onnx/schema.js';

export const FROM_ROWS = 'from_rows'; // int32 [n]
export const TO_ROWS = 'to_rows'; // int64 [n, 1]
/** Zeros put around the rows so that they fill a row of the target: those of `Pad` over its 4 axes. */
export const PADS = 'pads'; // int64 [8]
export const fromCache = (index: number) => `from_${index}`; // [P, KV heads, M', head size]
export const toCache = (index: number) => `to_${index}`; // [D, KV heads, M, head size]
export const movedCache = (index: number) => `moved_${index}`; // the same as `to`

/** Keys and values of every layer. */
export const cacheTensors = ({ layers }: DecoderSpec): number => 2 * layers.length;

export function rowMovesGraph(spec: DecoderSpec, type: ElementType): BuiltGraph {
  const graph = new GraphBuilder();
  const { numKvHeads, headDim } = spec;
  graph.input(FROM_ROWS, 'int32', ['n']);
  graph.input(TO_ROWS, 'int64', ['n', 1]);
  graph.input(PADS, 'int64', [8]);
  for (let i = 0; i < cacheTensors(spec); i++) {
    const from = graph.input(fromCache(i), type, ['P', numKvHeads, 'from_capacity', headDim]);
    const to = graph.input(toCache(i), type, ['D', numKvHeads, 'capacity', headDim]);
    const rows = graph.node('Pad', [graph.node('Gather', [from, FROM_ROWS]), PADS]);
    graph.node('ScatterND', [to, TO_ROWS, rows], { outputs: [movedCache(i)] });
    graph.output(movedCache(i), type, ['D', numKvHeads, 'capacity', headDim]);
  }
  return graph.build('row moves');
}
