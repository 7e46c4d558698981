export interface ClientOptions {
  /**
   * Address of the scheduler: `grpc://host:port`, or `grpcs://` for TLS. In a browser also `http://host:port` and `https://…`,
   * with a path where a proxy serves the scheduler under one.
   */
  readonly url: string;
  /** `default` by default. */
  readonly namespace?: string;
  /**
   * A call that has no answer after this time fails with `DEADLINE_EXCEEDED`, in milliseconds; waiting for a run and watching
   * take as long as they take. 30,000 by default.
   */
  readonly callTimeoutMs?: number;
}
