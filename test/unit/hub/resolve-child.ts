/** Resolves the model named on the command line with the environment's settings and reports its folder. */
import { resolveModel } from '../../../src/hub/models.js';

process.send?.((await resolveModel(process.argv[2] ?? '')).dir);
process.disconnect();
