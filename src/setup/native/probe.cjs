/**
 * Loads a TensorFlow binding and really runs products on it; one JSON line says what was seen. Run as a
 * process of its own: a binding that does not fit the machine takes the process down with it.
 *
 * Usage: node probe.cjs BINDING [SIZE]     with SIZE, also times products of SIZE x SIZE matrices
 */
const FLOAT = 1;
const ATTR_BOOL = 3;
const ATTR_TYPE = 4;

const binding = require(process.argv[2]);
const size = Number(process.argv[3] ?? 0);

const attrs = [
  { name: 'T', type: ATTR_TYPE, value: FLOAT },
  { name: 'adj_x', type: ATTR_BOOL, value: false },
  { name: 'adj_y', type: ATTR_BOOL, value: false },
];
const INT32 = 3;
const multiply = (a, b) => binding.executeOp('BatchMatMulV2', attrs, [a, b], 1)[0].id;
const tensor = (shape, values) => binding.createTensor(shape, FLOAT, Float32Array.from(values));

function gflops() {
  const a = tensor([size, size], { length: size * size });
  const sliced = [attrs[0], { name: 'Index', type: ATTR_TYPE, value: INT32 }];
  const [begin, one] = [
    [0, 0],
    [1, 1],
  ].map((at) => binding.createTensor([2], INT32, Int32Array.from(at)));
  const once = () => {
    const start = process.hrtime.bigint();
    const product = multiply(a, a);
    // One number: a card would copy all of them back for longer than it takes to compute them.
    const corner = binding.executeOp('Slice', sliced, [product, begin, one], 1)[0].id;
    binding.tensorDataSync(corner);
    for (const tensor of [corner, product]) binding.deleteTensor(tensor);
    return Number(process.hrtime.bigint() - start);
  };
  once();
  return (2 * size ** 3) / Math.min(once(), once(), once(), once(), once());
}

const a = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
const product = multiply(a, tensor([3, 1], [1, 10, 100]));
// Sums are generated kernels, which the driver of a new card compiles first; products are not.
const sum = binding.executeOp('AddV2', attrs.slice(0, 1), [product, tensor([], [0])], 1)[0].id;
const values = Array.from(binding.tensorDataSync(sum));
const seen = { version: binding.TF_Version, gpu: binding.isUsingGpuDevice(), product: values };
if (size > 0) seen.gflops = gflops();
process.stdout.write(`${JSON.stringify(seen)}\n`);
