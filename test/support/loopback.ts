/** A server of the tests, on loopback. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Loopback {
  /** `http://127.0.0.1:PORT`, a port that was free. */
  readonly address: string;
  /** Answers that are under way are cut off. */
  close(): Promise<void>;
}

export async function onLoopback(server: Server): Promise<Loopback> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
