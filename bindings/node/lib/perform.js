'use strict';
// Makes one call of the library off the event loop. Its task and its outcome are plain data, so that another
// thread may make it: { kind, keyIds, keys, rejected, options, cancel } and { status, sessions, errors, response, report },
// where handles are addresses.

const { b2, textAt } = require('./library');
const { takeError } = require('./errors');

function perform(task, log = null, logId = 0) {
  if (task.kind === 'json') return json(task.request);
  const options = makeOptions(task, log, logId);
  if (task.kind === 'diagnose') return diagnose(task, options);
  const count = task.keyIds.length;
  const sessions = new Array(count).fill(null);
  const errors = new Array(count).fill(null);
  const [keyId, key] = [task.keyIds[0], task.keys[0]];
  return new Promise((resolve, reject) => {
    const ended = (failure, status) => {
      b2.options_free(options);
      if (failure) reject(failure);
      else resolve({ status, sessions, errors });
    };
    if (task.kind === 'many') b2.authorize_many.async(task.keyIds, task.keys, count, options, sessions, errors, ended);
    else if (task.kind === 'again') b2.reauthorize.async(keyId, key, task.rejected, options, sessions, errors, ended);
    else b2.authorize_with.async(keyId, key, options, sessions, errors, ended);
  });
}

function json(request) {
  const out = [null];
  return new Promise((resolve, reject) => {
    b2.authorize_json.async(request, out, (failure, status) => {
      if (failure) return reject(failure);
      const response = textAt(out[0]);
      b2.string_free(out[0]);
      resolve({ status, response });
    });
  });
}

function diagnose({ keyIds: [keyId], keys: [key] }, options) {
  const out = [null];
  return new Promise((resolve, reject) => {
    b2.diagnose_json.async(keyId, key, options, out, (failure, status) => {
      b2.options_free(options);
      if (failure) return reject(failure);
      try {
        // There is none only where there is no memory for it.
        resolve({ status, report: out[0] === null ? null : textAt(out[0]) });
      } catch (unreadable) {
        reject(unreadable);
      } finally {
        b2.string_free(out[0]);
      }
    });
  });
}

function makeOptions(task, log, logId) {
  const options = b2.options_new();
  try {
    for (const [name, value] of Object.entries(task.options)) {
      const error = [null];
      if (b2.options_set(options, name, value, error)) throw takeError(error[0]);
    }
    b2.options_set_cancel(options, task.cancel);
    if (log) b2.options_set_log(options, log, logId, null);
  } catch (error) {
    b2.options_free(options);
    throw error;
  }
  return options;
}

module.exports = { perform };
