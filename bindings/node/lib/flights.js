'use strict';
// The calls that are under way on this thread: how many at a time, how they are ended early, and what becomes of them
// when the process exits.

const { takeError } = require('./errors');
const { b2 } = require('./library');
const { performLogged } = require('./logged');
const { perform } = require('./perform');

// koffi refuses more than 256 asynchronous calls at a time. libuv has four threads for them, by default.
const AT_A_TIME = 64;

const underWay = new Set();
const waiting = [];

/** One call of the library with a cancel of its own. */
class Flight {
  #cancel = b2.cancel_new();

  /** Makes the call, once, and returns its outcome. */
  async start(task, log) {
    try {
      if (underWay.size >= AT_A_TIME) await new Promise((resolve) => waiting.push(resolve));
      underWay.add(this);
      const whole = { ...task, cancel: this.#cancel };
      const outcome = await (log ? performLogged(whole, log) : perform(whole));
      return { ...outcome, errors: outcome.errors?.map((error) => (error === null ? null : takeError(error))) };
    } finally {
      underWay.delete(this);
      waiting.shift()?.();
      b2.cancel_free(this.#cancel);
      this.#cancel = null;
    }
  }

  trigger() {
    if (this.#cancel !== null) b2.cancel_trigger(this.#cancel);
  }
}

// At its exit Node waits for calls that are off the event loop, so they are cancelled.
process.on('exit', () => {
  for (const flight of underWay) flight.trigger();
});

module.exports = { Flight };
