/** Client of OpenAI-compatible servers: judges, embeddings, remote sampling. */
export { chatCompletion, contentText, embeddings } from './chat.js';
export { type Endpoint, type EndpointStats, openEndpoint } from './endpoint.js';
export { EndpointError, malformed } from './failures.js';
export { endpointSettings } from './settings.js';
export { totalStats } from './total-stats.js';
export { type EndpointReply, type EndpointRequest, PROTO, type Transport } from './transport.js';
