/** Servers of the tests, on loopback. They are gone when the file that opens them is over. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export interface Loopback {
  /** `http://127.0.0.1:PORT`, a port that was free. */
  readonly address: string;
  /** Answers that are under way are cut off. */
  close(): Promise<void>;
}

const opened: Server[] = [];

export async function onLoopback(server: Server): Promise<Loopback> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  opened.push(server);
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => closed(server),
  };
}

const closed = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.closeAllConnections();
    server.close(() => done());
  });

afterAll(async () => {
  await Promise.all(opened.map(closed));
});
