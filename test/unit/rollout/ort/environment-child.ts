/** Makes the environment of ONNX Runtime, as every process that samples does. */
import { ortRuntime } from '../../../../src/rollout/ort/runtime.js';

ortRuntime();
