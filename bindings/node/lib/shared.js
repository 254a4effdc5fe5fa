'use strict';
// Calls that are alike and overlap are one call of the library, so that together they take one of libuv's few threads, not
// all of them while B2 is out of reach.

const { Flight } = require('./flights');
const { b2 } = require('./library');

const alike = new Map();

/** Callers that wait for the same call. */
class Crowd {
  #flight = new Flight();
  #callers = new Set();
  #name;

  constructor(name) {
    this.#name = name;
    if (name !== null) alike.set(name, this);
  }

  /** The outcome of the call. The signal rejects this caller only; the call is cancelled when its last caller has left. */
  join(signal) {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#callers.delete(caller);
        reject(signal.reason);
        if (this.#callers.size > 0) return;
        this.#close();
        this.#flight.trigger();
      };
      const caller = {
        resolve,
        reject,
        end: () => signal?.removeEventListener('abort', leave),
      };
      this.#callers.add(caller);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  async start(task, log) {
    let deliver;
    let sessions = [];
    try {
      const outcome = await this.#flight.start(task, log);
      sessions = outcome.sessions ?? [];
      // Each caller has references of its own.
      deliver = (caller) => caller.resolve({ ...outcome, sessions: sessions.map((session) => b2.session_retain(session)) });
    } catch (error) {
      deliver = (caller) => caller.reject(error);
    }
    this.#close();
    for (const caller of this.#callers) {
      caller.end();
      deliver(caller);
    }
    for (const session of sessions) b2.session_free(session);
  }

  // Later callers start a call of their own.
  #close() {
    if (alike.get(this.#name) === this) alike.delete(this.#name);
  }
}

function fly(task, { signal, log, share }) {
  signal?.throwIfAborted();
  const name = share && !log ? JSON.stringify([task.keyIds, task.keys, Object.entries(task.options).sort()]) : null;
  const known = name !== null && alike.get(name);
  if (known) return known.join(signal);
  const crowd = new Crowd(name);
  const outcome = crowd.join(signal);
  crowd.start(task, log);
  return outcome;
}

module.exports = { fly };
