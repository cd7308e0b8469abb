/** How a pipeline starts a stage; the command line starts a child process. */

interface StageRequest {
  readonly command: string;
  /** Resolved config of the stage. */
  readonly configFile: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface StageOutcome {
  /** 1 of a process that was killed. */
  readonly exitCode: number;
  /** Signal that killed the process, where it is not one that asks it to stop. */
  readonly killedBy?: string;
  /** What the command printed as its result; null when it printed none. */
  readonly result: unknown;
}

export type StageLauncher = (request: StageRequest) => Promise<StageOutcome>;
