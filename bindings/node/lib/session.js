'use strict';

const { inspect } = require('node:util');
const { b2 } = require('./library');

// Frees what was never closed.
const abandoned = new FinalizationRegistry((address) => b2.session_free(address));

/** What B2 granted: an immutable snapshot. */
class Session {
  // Private, so that inspection, copies and JSON of a session show only what the methods below return.
  #address;

  constructor(address) {
    this.#address = address;
    abandoned.register(this, address, this);
  }

  get #open() {
    if (this.#address === null) throw new TypeError('the session is closed');
    return this.#address;
  }

  get accountId() {
    return b2.session_account_id(this.#open);
  }

  get keyId() {
    return b2.session_key_id(this.#open);
  }

  get realm() {
    return b2.session_realm(this.#open);
  }

  get authorizationToken() {
    return b2.session_authorization_token(this.#open);
  }

  get apiUrl() {
    return b2.session_api_url(this.#open);
  }

  get downloadUrl() {
    return b2.session_download_url(this.#open);
  }

  get s3ApiUrl() {
    return b2.session_s3_api_url(this.#open);
  }

  get s3Region() {
    return b2.session_s3_region(this.#open);
  }

  get recommendedPartSize() {
    return Number(b2.session_recommended_part_size(this.#open));
  }

  get absoluteMinimumPartSize() {
    return Number(b2.session_absolute_minimum_part_size(this.#open));
  }

  get capabilities() {
    const address = this.#open;
    return list(b2.session_capability_count(address), (index) => b2.session_capability(address, index));
  }

  get buckets() {
    const address = this.#open;
    if (!b2.session_is_bucket_restricted(address)) return null;
    return list(b2.session_bucket_count(address), (index) => ({
      id: b2.session_bucket_id(address, index),
      name: b2.session_bucket_name(address, index),
    }));
  }

  get namePrefix() {
    return b2.session_name_prefix(this.#open);
  }

  get expiresAt() {
    return new Date(Number(b2.session_expires_at(this.#open)) * 1000);
  }

  get keyExpiresAt() {
    const seconds = Number(b2.session_key_expires_at(this.#open));
    return seconds ? new Date(seconds * 1000) : null;
  }

  get secondsLeft() {
    return Number(b2.session_seconds_left(this.#open));
  }

  get closed() {
    return this.#address === null;
  }

  /** Everything as B2's JSON, the token included. */
  secretJson() {
    return b2.session_json(this.#open);
  }

  invalidate() {
    b2.session_invalidate(this.#open);
  }

  close() {
    if (this.#address === null) return;
    abandoned.unregister(this);
    b2.session_free(this.#address);
    this.#address = null;
  }

  toJSON() {
    return this.closed ? { closed: true } : { accountId: this.accountId, expiresAt: this.expiresAt };
  }

  [inspect.custom](depth, options) {
    return `Session ${inspect(this.toJSON(), options)}`;
  }

  /** A reference of a call's own, so that nothing ends a session under it. */
  static retained(session) {
    return b2.session_retain(session.#open);
  }
}

// Named by hand: Symbol.dispose is younger than the oldest Node that this package runs on.
if (Symbol.dispose) Session.prototype[Symbol.dispose] = Session.prototype.close;

function list(count, at) {
  return Array.from({ length: Number(count) }, (_, index) => at(index));
}

module.exports = { Session };
