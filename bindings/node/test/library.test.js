'use strict';
// The package against the library and its header.

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { PACKAGE, b2auth } = require('./sandbox');
const { ABI_VERSION, FUNCTIONS, platform } = require(path.join(PACKAGE, 'lib', 'library'));

const include = path.join(__dirname, '..', '..', '..', 'include');
const header = fs.readFileSync(path.join(include, 'b2auth.cdef.h'), 'utf8');

/** A declaration as this package writes it: handles are addresses. */
function likeOurs(declaration) {
  return declaration
    .replace(/\s+/g, ' ')
    .replace(/void \(\*release\)\(void \*user_data\)/, 'void *release')
    .replace(/\(void\)/, '()')
    .replace(/^b2_status /, 'int ')
    .replace(/\bb2_log_fn log\b/, 'b2_log_fn *log')
    .replace(/void \*user_data/, 'uintptr_t user_data')
    .replace(/const char \*const \*/g, 'const char **')
    .replace(/(?:const )?b2_(?:session|error|options|cancel) \*\*/g, '_Out_ void **')
    .replace(/char \*\*out/, '_Out_ void **out')
    .replace(/(?:const )?b2_(?:session|error|options|cancel) \*/g, 'void *')
    .replace(/(?<!const )char \*string/, 'void *string');
}

test('the functions are declared as in the header', () => {
  const declared = header
    .split(';')
    .map((declaration) => declaration.replace(/^[^]*\*\//, '').trim())
    .filter((declaration) => /\bb2_\w+\(/.test(declaration))
    .map(likeOurs);
  assert.ok(declared.length > 50);
  for (const ours of FUNCTIONS) assert.ok(declared.includes(ours), ours);
});

test('the statuses are those of the header', () => {
  const [, statuses] = header.match(/typedef enum \{([^}]*)\} b2_status;/);
  const inHeader = {};
  for (const [, name, number] of statuses.matchAll(/B2_(\w+) = (\d+)/g)) inHeader[name] = Number(number);
  delete inHeader.STATUS_MAX_ENUM;
  assert.deepStrictEqual({ ...b2auth.Status }, inHeader);
});

test('the types know all options of the library, all statuses and all exports', () => {
  const types = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8');
  const table = fs.readFileSync(path.join(include, '..', 'src', 'options', 'table.rs'), 'utf8');
  const options = [...table.matchAll(/^ *name: "(\w+)",$/gm)].map(([, name]) => name);
  assert.ok(options.length > 15);
  // This one belongs to the action in JSON.
  for (const name of options.filter((option) => option !== 'fields')) assert.match(types, new RegExp(`^  ${name}\\?: `, 'm'));
  for (const [name, number] of Object.entries(b2auth.Status)) assert.match(types, new RegExp(`readonly ${name}: ${number};`));
  for (const name of Object.keys(b2auth)) assert.match(types, new RegExp(`^export (function|class|const) ${name}\\b`, 'm'));
});

test('the versions are one', () => {
  assert.strictEqual(require(path.join(PACKAGE, 'package.json')).version, b2auth.libraryVersion());
});

test('the ABI version is that of the newest function in use', () => {
  const docs = path.join(include, '..', 'docs');
  const rows = [...fs.readFileSync(path.join(docs, 'c.md'), 'utf8').matchAll(/^\| (\d+) \| (.*`b2_\w+`.*) \|$/gm)];
  assert.ok(rows.length);
  const added = rows.flatMap(([, version, names]) => [...names.matchAll(/`(b2_\w+)`/g)].map(([, name]) => [name, Number(version)]));
  const used = new Set(FUNCTIONS.map((declaration) => declaration.match(/\bb2_\w+(?=\()/)[0]));
  assert.strictEqual(ABI_VERSION, Math.max(1, ...added.filter(([name]) => used.has(name)).map(([, version]) => version)));
  assert.ok(fs.readFileSync(path.join(docs, 'languages', 'node.md'), 'utf8').includes(`[ABI version ${ABI_VERSION}]`));
});

/** A process that loads the package, and does something before. */
const run = (environment, before = '') =>
  spawnSync(process.execPath, ['-e', `${before}require(${JSON.stringify(PACKAGE)})`], { env: environment, encoding: 'utf8' });

test('an older library is an error', () => {
  // It says its version, and lacks what was added since.
  const old = `
    const koffi = require(${JSON.stringify(require.resolve('koffi', { paths: [PACKAGE] }))});
    const { load } = koffi;
    koffi.load = (file) => {
      const library = load(file);
      const func = (declaration) => {
        if (declaration.includes('b2_diagnose_json')) throw new Error('there is no b2_diagnose_json');
        return declaration.includes('b2_abi_version') ? () => VERSION : library.func(declaration);
      };
      return { func };
    };`;
  for (const [version, said] of [
    [ABI_VERSION - 1, `libb2auth is too old: ABI version ${ABI_VERSION - 1}, needed ${ABI_VERSION}`],
    [ABI_VERSION, 'there is no b2_diagnose_json'],
  ]) {
    const { status, stderr } = run(process.env, old.replace('VERSION', version));
    assert.strictEqual(status, 1);
    assert.ok(stderr.includes(`Error: ${said}`), stderr);
  }
});

test('a library that is not there is an error with advice', () => {
  const { status, stderr } = run({ ...process.env, B2AUTH_LIBRARY: '/nowhere/libb2auth.so' });
  assert.strictEqual(status, 1);
  assert.match(stderr, /libb2auth could not be loaded for .*\/nowhere\/libb2auth\.so.*set B2AUTH_LIBRARY/);
});

test('a library in prebuilds is found', (t) => {
  // Either the package has one, and it is in use, or it gets one for the time of this test.
  const source = process.env.B2AUTH_LIBRARY;
  const file = path.join(PACKAGE, 'prebuilds', platform(), 'libb2auth.so');
  assert.strictEqual(fs.existsSync(file), !source);
  if (source) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    t.after(() => fs.rmSync(path.join(PACKAGE, 'prebuilds'), { recursive: true }));
    fs.copyFileSync(source, file);
  }
  const environment = { ...process.env };
  delete environment.B2AUTH_LIBRARY;
  const program = `require(${JSON.stringify(PACKAGE)}); console.log(require('fs').readFileSync('/proc/self/maps', 'utf8'))`;
  const { stdout } = spawnSync(process.execPath, ['-e', program], { env: environment, encoding: 'utf8' });
  assert.ok(stdout.includes(fs.realpathSync(file)));
});
