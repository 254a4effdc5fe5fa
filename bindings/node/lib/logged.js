'use strict';
// Calls whose log goes to a JavaScript function. The library calls its log function on its own threads and waits for it,
// so that function has to run on an event loop that never waits for the library in turn. The main one does: at its exit Node
// joins the threads that make asynchronous calls, and one that waits for the main loop then waits for ever. So these
// calls are made by a worker, which passes the messages on. A worker's loop runs until its calls have ended, at its exit too.

const path = require('node:path');
const { Worker } = require('node:worker_threads');

const pending = new Map();
let worker = null;
let lastId = 0;

function performLogged(task, log) {
  worker ??= start();
  worker.ref();
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    pending.set(id, { resolve, reject, log });
    worker.postMessage({ id, task });
  });
}

// At its exit Node ends the worker wherever it is, and koffi aborts the process if that is while it is being loaded.
const loaded = new Int32Array(new SharedArrayBuffer(4));
const LOADING = 0;
const LONGEST_LOAD_MS = 5000;
process.on('exit', () => {
  if (worker !== null) Atomics.wait(loaded, 0, LOADING, LONGEST_LOAD_MS);
});

function start() {
  Atomics.store(loaded, 0, LOADING);
  const started = new Worker(path.join(__dirname, 'worker.js'), {
    // Nothing that the program had its own threads do at their start.
    execArgv: [],
    stdin: false,
    workerData: loaded,
  });
  started.on('message', received);
  started.on('error', failed);
  return started;
}

function received({ id, level, message, outcome, failure }) {
  const call = pending.get(id);
  if (message !== undefined) return report(call.log, level, message);
  ended(id);
  if (failure) call.reject(failure.fields ? rebuilt(failure) : failure.error);
  else call.resolve(outcome);
}

const LEVELS = { 1: 'error', 2: 'warn', 3: 'info', 4: 'debug' };

// What a log function throws is the program's own mistake, and is reported as such.
function report(log, level, message) {
  try {
    log(LEVELS[level] ?? 'error', message);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

function rebuilt({ message, fields }) {
  const { B2Error } = require('./errors');
  return new B2Error(message, fields);
}

function ended(id) {
  pending.delete(id);
  if (pending.size === 0) worker.unref();
}

function failed(error) {
  worker = null;
  for (const call of pending.values()) call.reject(error);
  pending.clear();
}

module.exports = { performLogged };
