"""The package against the library and its header."""

import ctypes
import ctypes.util
import os
import re
import subprocess
import sys
import unittest

import sandbox

import b2auth
from b2auth import _library
from b2auth._options import OptionValues

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")

# How a declaration's types are written for ctypes. Handles are opaque pointers.
TYPES = {
    "void": None,
    "int": ctypes.c_int,
    "b2_status": ctypes.c_int,
    "size_t": ctypes.c_size_t,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "const char *": ctypes.c_char_p,
    # Texts that are the caller's to free.
    "char *": ctypes.c_void_p,
    "char **": ctypes.POINTER(ctypes.c_void_p),
    "void *": ctypes.c_void_p,
    "const char *const *": ctypes.POINTER(ctypes.c_char_p),
    "b2_log_fn": _library.LogFunction,
}


def ctype(declared):
    declared = declared.strip()
    if declared in TYPES:
        return TYPES[declared]
    if re.fullmatch(r"b2_\w+ \*\*", declared):
        return ctypes.POINTER(ctypes.c_void_p)
    if re.fullmatch(r"(const )?b2_\w+ \*", declared):
        return ctypes.c_void_p
    raise AssertionError(f"the header has a type that this test does not know: {declared!r}")


def declarations():
    """Each function of the header: what it returns and what it takes."""
    with open(os.path.join(ROOT, "include", "b2auth.cdef.h"), encoding="utf-8") as header:
        text = re.sub(r"\s+", " ", header.read())
    found = {}
    for returned, name, taken in re.findall(r"((?:const )?\w+ \*?)(b2_\w+)\(((?:[^()]|\([^()]*\))*)\);", text):
        # The types of what this package does not call are of no interest.
        if name not in _library.PROTOTYPES:
            continue
        arguments = []
        for argument in re.split(r", (?![^()]*\))", taken):
            if argument == "void":
                continue
            if "(*release)" in argument:
                arguments.append(_library.ReleaseFunction)
            else:
                arguments.append(ctype(re.sub(r"\w+$", "", argument)))
        found[name] = (ctype(returned), *arguments)
    return found


class Library(unittest.TestCase):
    def test_the_functions_are_declared_as_in_the_header(self):
        declared = declarations()
        for name, prototype in _library.PROTOTYPES.items():
            # A handle that is returned is an address here.
            self.assertEqual(prototype, declared[name], name)

    def test_every_status_has_its_class(self):
        with open(os.path.join(ROOT, "include", "b2auth.cdef.h"), encoding="utf-8") as header:
            statuses = re.search(r"typedef enum \{(.*?)\} b2_status;", header.read(), re.S).group(1)
        numbers = {name: int(number) for name, number in re.findall(r"B2_(\w+) = (\d+)", statuses)}
        del numbers["STATUS_MAX_ENUM"]
        self.assertEqual({status.name: status.value for status in b2auth.Status}, numbers)
        for name, number in numbers.items():
            kind = "".join(word.capitalize() for word in name.split("_"))
            if number:
                self.assertIs(_class(number), getattr(b2auth, kind))
                self.assertTrue(issubclass(_class(number), b2auth.B2Error))

    def test_a_status_from_a_later_library_is_a_plain_error(self):
        self.assertIs(_class(99), b2auth.B2Error)

    def test_the_options_are_those_of_the_library(self):
        with open(os.path.join(ROOT, "src", "options", "table.rs"), encoding="utf-8") as table:
            named = set(re.findall(r'^ *name: "(\w+)",$', table.read(), re.M))
        self.assertGreater(len(named), 15)
        # These two belong to the log and to the action in JSON.
        missing = named - set(OptionValues.__annotations__) - {"log_level", "fields"}
        self.assertEqual(missing, set())

    def test_the_versions_are_one(self):
        self.assertEqual(b2auth.__version__, b2auth.library_version())

    def test_a_library_that_is_not_there_is_an_import_error_with_advice(self):
        for path, said in (("/nowhere/libb2auth.so", "/nowhere/libb2auth.so"), (ctypes.util.find_library("c"), "b2_")):
            environment = dict(os.environ, B2AUTH_LIBRARY=path)
            result = subprocess.run(
                [sys.executable, "-c", "import b2auth"], env=environment, stderr=subprocess.PIPE, check=False
            )
            last = result.stderr.decode().strip().splitlines()[-1]
            self.assertTrue(last.startswith("ImportError: "), last)
            self.assertIn(said, last)

    def test_the_abi_version_is_that_of_the_newest_function_in_use(self):
        with open(os.path.join(ROOT, "docs", "c.md"), encoding="utf-8") as page:
            rows = re.findall(r"^\| (\d+) \| (.*`b2_\w+`.*) \|$", page.read(), re.M)
        self.assertTrue(rows)
        added = {name: int(version) for version, names in rows for name in re.findall(r"`(b2_\w+)`", names)}
        needed = max(added.get(name, 1) for name in _library.PROTOTYPES)
        self.assertEqual(_library.ABI_VERSION, needed)
        with open(os.path.join(ROOT, "docs", "languages", "python.md"), encoding="utf-8") as page:
            self.assertIn(f"[ABI version {needed}]", page.read())

    def test_an_older_library_is_an_import_error(self):
        # It says its version, and lacks what was added since.
        program = """
import ctypes
class Old(ctypes.CDLL):
    def __getattr__(self, name):
        if name == "b2_diagnose_json":
            raise AttributeError(name)
        return ctypes.CFUNCTYPE(ctypes.c_uint32)(lambda: {}) if name == "b2_abi_version" else super().__getattr__(name)
ctypes.CDLL = Old
import b2auth
"""
        needed = _library.ABI_VERSION
        for version, said in (
            (needed - 1, f"is too old: ABI version {needed - 1}, needed {needed}"),
            (needed, "is not a libb2auth that this package can use: b2_diagnose_json"),
        ):
            process = sandbox.python(program.replace("{}", str(version)))
            _, err = process.communicate(timeout=60)
            last = err.strip().splitlines()[-1]
            self.assertTrue(last.startswith("ImportError: ") and last.endswith(said), last)


def _class(status):
    from b2auth import _errors

    return type(_errors.from_library(status, None))


if __name__ == "__main__":
    unittest.main()
