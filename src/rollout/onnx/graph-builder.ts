/**
 * Builds an ONNX graph node by node. A value is its name; every method that adds a node returns the name
 * of its (first) output. Weights are declared with a function that writes their bytes, which is called
 * when the model is encoded (model-files.ts), inside the model or into a data file beside it.
 */
import { elementCount } from '../../util/shape.js';
import type { FilePlace } from '../../weights/index.js';
import {
  type AttributeProto,
  BYTES_PER_ELEMENT,
  ELEMENT_TYPES,
  type ElementType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './schema.js';

const IR_VERSION = 9;
const OPSET = 18;
const CONTRIB_DOMAIN = 'com.microsoft';

/** Name of a value in the graph. */
export type Value = string;
/** A number, or the name of a size that may change from run to run. */
export type Dim = number | string;
export type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

export interface NodeOptions {
  /** `com.microsoft` for ONNX Runtime's own operators. */
  readonly contrib?: boolean;
  /** Any other domain than ONNX's. */
  readonly domain?: string;
  readonly attributes?: Attributes;
  /** Names of the outputs; one generated name when absent. */
  readonly outputs?: readonly Value[];
}

/** A weight of the graph. */
export interface GraphWeight {
  readonly name: Value;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Writes all the bytes; called once, when the model is encoded. */
  readonly write: (target: Uint8Array) => void;
  /** Where the bytes stand already, if in a file. */
  readonly place?: FilePlace;
}

/** Everything of a model but the bytes of its weights. */
export interface BuiltGraph {
  readonly model: ModelProto;
  readonly weights: readonly GraphWeight[];
}

/** Attributes whose value is a float even when it is written as a whole number. */
const FLOAT_ATTRIBUTES = new Set([
  ...['alpha', 'beta', 'epsilon', 'scale', 'softcap'],
  ...['activation_alpha', 'activation_beta', 'swiglu_limit'],
]);

function attributeProto(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if (typeof value !== 'number') return { name, type: 7, ints: value };
  return FLOAT_ATTRIBUTES.has(name) ? { name, type: 1, f: value } : { name, type: 2, i: value };
}

function constantType(data: Float32Array | Float64Array | BigInt64Array): ElementType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Float64Array ? 'float64' : 'int64';
}

export class GraphBuilder {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];
  private readonly weights: GraphWeight[] = [];
  private readonly names = new Set<Value>();
  private readonly opCounts = new Map<string, number>();
  private readonly domains = new Set(['', CONTRIB_DOMAIN]);

  input(name: Value, type: ElementType, shape: readonly Dim[]): Value {
    this.inputs.push(valueInfo(this.claim(name), type, shape));
    return name;
  }

  has(name: Value): boolean {
    return this.names.has(name);
  }

  /** Declares an existing value as an output of the graph. */
  output(name: Value, type: ElementType, shape: readonly Dim[]): Value {
    this.outputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** A constant stored in the model itself; for small tensors. */
  constant(
    name: Value,
    data: Float32Array | Float64Array | BigInt64Array,
    shape: readonly number[],
  ): Value {
    const type = constantType(data);
    this.initializers.push({
      name: this.claim(name),
      dims: shape,
      dataType: ELEMENT_TYPES[type],
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
    return name;
  }

  /** A constant whose bytes are written when the model is encoded; for large tensors. */
  weight(name: Value, weight: Omit<GraphWeight, 'name' | 'byteLength'>): Value {
    const { type, shape } = weight;
    const byteLength = BYTES_PER_ELEMENT[type] * elementCount(shape);
    this.weights.push({ name: this.claim(name), byteLength, ...weight });
    return name;
  }

  /** Adds a node; an empty input name stands for an optional input left out. */
  node(op: string, inputs: readonly Value[], options: NodeOptions = {}): Value {
    const { contrib = false, attributes = {} } = options;
    const domain = contrib ? CONTRIB_DOMAIN : (options.domain ?? '');
    this.domains.add(domain);
    const serial = this.opCounts.get(op) ?? 0;
    this.opCounts.set(op, serial + 1);
    const outputs = options.outputs ?? [`${op}_${serial}`];
    for (const output of outputs) if (output !== '') this.claim(output);
    this.nodes.push({
      input: inputs,
      output: outputs,
      name: `${op}_node_${serial}`,
      opType: op,
      attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
      domain,
    });
    return outputs[0]!;
  }

  build(name: string): BuiltGraph {
    const model: ModelProto = {
      irVersion: IR_VERSION,
      producerName: 'lorikeet',
      opsetImport: [...this.domains].map((domain) => ({
        domain,
        version: domain === '' ? OPSET : 1,
      })),
      graph: {
        name,
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: this.outputs,
      },
    };
    return { model, weights: this.weights };
  }

  private claim(name: Value): Value {
    if (this.names.has(name)) throw new Error(`GraphBuilder: the value ${name} exists already`);
    this.names.add(name);
    return name;
  }
}

function valueInfo(name: Value, type: ElementType, shape: readonly Dim[]): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === 'number' ? { dimValue: size } : { dimParam: size },
  );
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type], shape: { dim } } } };
}
