'use strict';

const { b2 } = require('./library');

/** The library's statuses by name. */
const Status = Object.freeze({
  OK: 0,
  INVALID_ARGUMENT: 1,
  NO_CREDENTIALS: 2,
  BAD_CREDENTIALS: 3,
  KEY_NOT_SUPPORTED: 4,
  CAP_EXCEEDED: 5,
  ACCESS_DENIED: 6,
  RATE_LIMITED: 7,
  SERVICE_UNAVAILABLE: 8,
  NETWORK_ERROR: 9,
  TLS_ERROR: 10,
  TIMEOUT: 11,
  CANCELLED: 12,
  PROTOCOL_ERROR: 13,
  STORE_ERROR: 14,
  INTERNAL_ERROR: 15,
});

/** A call failed. No part of it holds a key or a token. */
class B2Error extends Error {
  constructor(message, fields) {
    super(message);
    this.status = fields.status;
    this.statusName = b2.status_name(fields.status);
    this.hint = fields.hint ?? null;
    this.code = fields.code ?? null;
    this.httpStatus = fields.httpStatus || null;
    this.requestId = fields.requestId ?? null;
    this.retryable = fields.retryable ?? false;
    this.retryAfterMs = fields.retryAfterMs ?? null;
    this.attempts = fields.attempts ?? 0;
    this.runLog = fields.runLog ?? {};
  }

  get name() {
    return 'B2Error';
  }

  toJSON() {
    return { name: this.name, message: this.message, ...this };
  }
}

/** The error for one of the library's, which is freed. */
function takeError(address) {
  try {
    const retryAfterMs = Number(b2.error_retry_after_ms(address));
    return new B2Error(b2.error_message(address), {
      status: b2.error_status(address),
      hint: b2.error_hint(address),
      code: b2.error_code(address),
      httpStatus: b2.error_http_status(address),
      requestId: b2.error_request_id(address),
      retryable: b2.error_is_retryable(address) === 1,
      retryAfterMs: retryAfterMs < 0 ? null : retryAfterMs,
      attempts: b2.error_attempts(address),
      runLog: JSON.parse(b2.error_json(address)),
    });
  } finally {
    b2.error_free(address);
  }
}

/** A string for the library, or null. Refuses what C would cut short, without showing it. */
function text(name, value) {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${typeof value}`);
  if (value.includes('\0')) throw new B2Error(`${name} has a NUL character in it`, { status: Status.INVALID_ARGUMENT });
  return value;
}

module.exports = { B2Error, Status, takeError, text };
