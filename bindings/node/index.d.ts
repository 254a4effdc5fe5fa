/** The key: without both it is looked for in the environment, then in the database of the b2 command-line tool. */
export interface Credentials {
  keyId?: string | null;
  key?: string | null;
}

/** The options of the C library by their names there; null and undefined are the default. */
export interface Options {
  realm?: string | null;
  profile?: string | null;
  account_info?: string | null;
  cache?: 'use' | 'refresh' | 'bypass' | null;
  min_remaining_s?: number | null;
  store?: string | null;
  store_required?: boolean | null;
  credentials?: 'any' | 'given' | null;
  log_level?: LogLevel | null;
  max_attempts?: number | null;
  initial_backoff_ms?: number | null;
  max_backoff_ms?: number | null;
  connect_timeout_ms?: number | null;
  attempt_timeout_ms?: number | null;
  total_timeout_ms?: number | null;
  batch_timeout_ms?: number | null;
  negative_ttl_s?: number | null;
  rate_limit_per_minute?: number | null;
  proxy?: string | null;
  ca_file?: string | null;
  user_agent?: string | null;
  concurrency?: number | null;
  /** What `diagnose` looks at: the way to B2, or what is in the token store, whose dead records `purge` removes. */
  diagnose?: 'all' | 'store' | 'purge' | null;
  /** Cancels the call: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Receives the log of the call, on this thread. No message has a key or a token in it. */
  log?: (level: LogLevel, message: string) => void;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** From the cache if a good token is there, else by a request to B2. */
export function authorize(request?: Credentials & Options): Promise<Session>;

/**
 * A session with another token than the one that B2 refused, which is never handed out again. Without `rejected` B2 is
 * always asked.
 */
export function reauthorize(request?: Credentials & Options & { rejected?: Session | null }): Promise<Session>;

/** Many keys at once. In the place of each is its session or its error; only options and a signal reject the promise. */
export function authorizeMany(pairs: Iterable<Credentials>, options?: Options): Promise<Array<Session | B2Error>>;

/** The action in JSON: text in, text out. The answer holds a token or an error. It cannot be ended early. */
export function authorizeJson(request?: string | object): Promise<string>;

/**
 * Walks the way to B2 step by step, for a "test connection" button, in one authorize request at most. What fails on the way
 * is in the report; the promise rejects only if there is none: an option or a key was refused, or the signal ended the call.
 */
export function diagnose(request?: Credentials & Options): Promise<Report>;

/** How a step went: `skipped` where there was nothing to do, or the way ended before it. */
export type Outcome = 'ok' | 'warning' | 'failed' | 'skipped';

/** What a diagnosis found. No part of it holds a key, a token or the user part of a URL. */
export interface Report {
  /** The library's version. */
  version: string;
  startedAt: string;
  durationMs: number;
  /** The worst of the steps. */
  result: Outcome;
  /** What `authorize` would say now: "B2_OK" also if there are warnings. */
  status: string;
  /** The authorize requests that were sent: one at most. */
  requests: number;
  /** What `authorize` would reject with now, as in a run log. */
  error: ReportedError | null;
  /** In their order. A later library may have more. */
  steps: Step[];
}

export interface Step {
  /** Such as "credentials", "lookUp", "connect", "tls" or "authorize". */
  name: string;
  result: Outcome;
  /** What was found, in one line. */
  summary: string;
  /** What the person can do about it. */
  advice: string | null;
  durationMs: number | null;
  /** A later library may have more. */
  details: Record<string, unknown>;
}

export interface ReportedError {
  status: string;
  code: string | null;
  message: string;
  hint: string | null;
  keyId: string | null;
  httpStatus: number | null;
  requestId: string | null;
  retryable: boolean;
  retryAfterMs: number | null;
  attempts: Array<Record<string, unknown>>;
}

/** Whether a new token is the cure, by the status of B2's response and the code in its body. */
export function shouldReauthorize(httpStatus: number, code?: string | null): boolean;
/** The same from the body of B2's response, which need not be JSON. */
export function shouldReauthorizeBody(httpStatus: number, body: string): boolean;

/** Drops every cached token and forgets every remembered refusal. Live sessions stay as they are. */
export function cacheClear(): void;
/** How often something happened since the process began, such as "requests"; 0 for unknown names. */
export function counter(name: string): number;
export function libraryVersion(): string;

/** An immutable snapshot of what B2 granted. Inspection and JSON show no token. */
export class Session {
  private constructor();
  readonly accountId: string;
  readonly keyId: string;
  /** The base URL that granted the session. */
  readonly realm: string;
  /** The whole value of the Authorization header of B2's other calls. A secret. */
  readonly authorizationToken: string;
  readonly apiUrl: string;
  readonly downloadUrl: string;
  readonly s3ApiUrl: string | null;
  readonly s3Region: string | null;
  readonly recommendedPartSize: number;
  readonly absoluteMinimumPartSize: number;
  readonly capabilities: string[];
  /** Those that the key is restricted to; null for all. A name is null if the bucket is gone or hidden. */
  readonly buckets: Array<{ id: string; name: string | null }> | null;
  readonly namePrefix: string | null;
  readonly expiresAt: Date;
  /** When the key itself ends; null for never. */
  readonly keyExpiresAt: Date | null;
  readonly secondsLeft: number;
  readonly closed: boolean;
  /** All of this as JSON under B2's names, the token included. A secret. */
  secretJson(): string;
  /** Forgets this session's token: the next call for its key asks B2. */
  invalidate(): void;
  /** Frees the session now rather than when it is collected. */
  close(): void;
  toJSON(): object;
}

/** A call failed. No part of it holds a key or a token. */
export class B2Error extends Error {
  private constructor();
  /** Compare with Status. */
  readonly status: number;
  /** Such as "B2_BAD_CREDENTIALS". */
  readonly statusName: string;
  /** What the person can do about it. */
  readonly hint: string | null;
  /** B2's own code, such as "bad_auth_token". */
  readonly code: string | null;
  readonly httpStatus: number | null;
  readonly requestId: string | null;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  /** The requests that this very call made. */
  readonly attempts: number;
  /** Every attempt that led here. */
  readonly runLog: Record<string, unknown>;
  toJSON(): object;
}

export const Status: {
  readonly OK: 0;
  readonly INVALID_ARGUMENT: 1;
  readonly NO_CREDENTIALS: 2;
  readonly BAD_CREDENTIALS: 3;
  readonly KEY_NOT_SUPPORTED: 4;
  readonly CAP_EXCEEDED: 5;
  readonly ACCESS_DENIED: 6;
  readonly RATE_LIMITED: 7;
  readonly SERVICE_UNAVAILABLE: 8;
  readonly NETWORK_ERROR: 9;
  readonly TLS_ERROR: 10;
  readonly TIMEOUT: 11;
  readonly CANCELLED: 12;
  readonly PROTOCOL_ERROR: 13;
  readonly STORE_ERROR: 14;
  readonly INTERNAL_ERROR: 15;
};
