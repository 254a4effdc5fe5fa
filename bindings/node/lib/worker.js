'use strict';
// The thread of logged.js.

const { parentPort } = require('node:worker_threads');
const { logCallback } = require('./library');
const { perform } = require('./perform');

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
