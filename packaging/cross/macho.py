#!/usr/bin/env python3
"""Cuts what a Mach-O library shows down to the functions of the header, where Apple's own linker is not to be had.

    macho.py split ARCHIVE NAMES FOLDER   the archive's objects as files, in which all but these names are private: a linker
                                          that makes one object of them turns those into local symbols
    macho.py globals FILE                 the names that an object or a library gives to others
"""

import pathlib
import struct
import sys

MAGIC_64 = 0xFEEDFACF
LC_SYMTAB = 2
# Of a symbol's type: for debuggers, private, the kind, external.
N_STAB, N_PEXT, N_TYPE, N_EXT = 0xE0, 0x10, 0x0E, 0x01
N_UNDF = 0


def members(archive):
    """The objects of an archive; its table of contents is none."""
    if not archive.startswith(b"!<arch>\n"):
        raise SystemExit("macho.py: not an archive")
    at = 8
    while at + 60 <= len(archive):
        header = archive[at : at + 60]
        size = int(header[48:58])
        body = archive[at + 60 : at + 60 + size]
        name = header[:16].rstrip()
        if name.startswith(b"#1/"):
            length = int(name[3:])
            body = body[length:]
        if struct.unpack_from("<I", body.ljust(4, b"\0"))[0] == MAGIC_64:
            yield body
        at += 60 + size + size % 2


def symbols(body):
    """Where each symbol's type stands, the type, and the name."""
    count = struct.unpack_from("<I", body, 16)[0]
    at = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", body, at)
        if command == LC_SYMTAB:
            table, number, strings, _ = struct.unpack_from("<IIII", body, at + 8)
            for index in range(number):
                entry = table + 16 * index
                string, kind = struct.unpack_from("<IB", body, entry)
                start = strings + string
                yield entry + 4, kind, body[start : body.index(b"\0", start)].decode()
        at += size


def is_given(kind):
    return not kind & N_STAB and kind & N_EXT and not kind & N_PEXT and kind & N_TYPE != N_UNDF


def split(archive, names, folder):
    wanted = {"_" + name for name in pathlib.Path(names).read_text(encoding="utf-8").split()}
    for number, member in enumerate(members(pathlib.Path(archive).read_bytes())):
        body = bytearray(member)
        for at, kind, name in symbols(body):
            if is_given(kind) and name not in wanted:
                body[at] |= N_PEXT
        (pathlib.Path(folder) / f"{number:05}.o").write_bytes(body)


def show_globals(path):
    body = pathlib.Path(path).read_bytes()
    objects = list(members(body)) if body.startswith(b"!<arch>\n") else [body]
    for name in sorted({name for one in objects for _, kind, name in symbols(one) if is_given(kind)}):
        print(name)


def main():
    match sys.argv[1:]:
        case ["split", archive, names, folder]:
            split(archive, names, folder)
        case ["globals", path]:
            show_globals(path)
        case _:
            raise SystemExit(__doc__)


main()
