'use strict';
// The thread of logged.js.

const { parentPort, workerData: loaded } = require('node:worker_threads');

function load() {
  try {
    return { ...require('./library'), ...require('./perform') };
  } finally {
    Atomics.store(loaded, 0, 1);
    Atomics.notify(loaded, 0);
  }
}
const { logCallback, perform } = load();

// One function for all calls, each of which has its number for user data.
const log = logCallback((id, level, message) => parentPort.postMessage({ id: Number(id), level, message }));

parentPort.on('message', async ({ id, task }) => {
  let answer;
  try {
    answer = { id, outcome: await perform(task, log, id) };
  } catch (error) {
    answer = { id, failure: error.status === undefined ? { error } : { message: error.message, fields: { ...error } } };
  }
  parentPort.postMessage(answer);
});
