'use strict';
// The calls of border.c by koffi.

const koffi = require(process.argv[2]);
const readline = require('node:readline');

const library = koffi.load(process.env.B2AUTH_LIBRARY);
koffi.opaque('b2_session');
const authorizeInto = library.func('int b2_authorize(const char *key_id, const char *key, _Out_ b2_session **out_session)');
const free = library.func('void b2_session_free(b2_session *session)');
const apiUrl = library.func('const char *b2_session_api_url(const b2_session *session)');
const { B2_APPLICATION_KEY_ID: id, B2_APPLICATION_KEY: key } = process.env;

function authorize() {
  const out = [null];
  const status = authorizeInto(id, key, out);
  if (status !== 0) throw new Error(`status ${status}`);
  return out[0];
}

const session = authorize();
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [what, count] = line.split(' ');
  const begin = process.hrtime.bigint();
  if (what === 'call') {
    for (let i = 0; i < count; i++) free(authorize());
  } else {
    for (let i = 0; i < count; i++) if (apiUrl(session)[0] !== 'h') throw new Error('no URL');
  }
  console.log((Number(process.hrtime.bigint() - begin) / count).toFixed(1));
});
