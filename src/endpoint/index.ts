/** Client of OpenAI-compatible servers: judges, embeddings, remote sampling. */
export {
  type ChatMessage,
  type ChatReply,
  type ChatRequest,
  chatCompletion,
  embeddings,
} from './chat.js';
export {
  type Endpoint,
  type EndpointStats,
  openEndpoint,
} from './endpoint.js';
export { EndpointError, type EndpointFailure } from './failures.js';
export { type EndpointChoice, type EndpointSettings, endpointSettings } from './settings.js';
export type { EndpointReply, EndpointRequest, Transport } from './transport.js';
