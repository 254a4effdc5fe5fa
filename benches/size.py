#!/usr/bin/env python3
"""What the bytes of the shared library are, by part. `make size` builds it with its symbols and with a map of the link.

    size.py LIBRARY MAP             lines for report.py
    size.py --top 40 LIBRARY MAP    and the largest pieces

The map (of lld or of GNU ld) says which piece of the library came from which object and section, and a section is named after
its function. Constants have no name of their own: each is counted for the function that refers to it, as the relocations say
that the link left in (--emit-relocs). Instances of generic code are counted for the first crate that is not the standard library.
"""
import argparse
import bisect
import os
import re
import struct
import subprocess
import tempfile

PARTS = (
    ("SQLite", ("sqlite",)),
    ("rusqlite", ("rusqlite", "libsqlite3_sys", "fallible_iterator", "fallible_streaming_iterator")),
    ("ring", ("ring", "untrusted")),
    ("rustls and webpki", ("rustls", "webpki", "rustls_pki_types", "rustls_webpki")),
    ("root certificates", ("webpki_roots",)),
    ("ureq and http", ("ureq", "ureq_proto", "http", "httparse", "bytes", "percent_encoding", "utf8_zero", "httpdate", "base64")),
    ("inflate", ("flate2", "miniz_oxide", "adler2", "simd_adler32", "crc32fast")),
    ("serde_json", ("serde_json", "serde", "serde_core", "itoa", "zmij", "memchr")),
    ("backtraces of std", ("gimli", "addr2line", "object", "rustc_demangle", "std::backtrace", "std::backtrace_rs")),
)
STD = {"core", "alloc", "std", "compiler_builtins", "panic_unwind", "unwind", "std_detect", "hashbrown", "libc", "cfg_if", "once_cell"}
PART_OF = {crate: part for part, crates in PARTS for crate in crates}
TABLES = {".eh_frame": "unwinding tables", ".eh_frame_hdr": "unwinding tables", ".gcc_except_table": "unwinding tables"}
RELOCATIONS = {".rela.dyn", ".rel.dyn", ".relr.dyn", ".rela.plt", ".relro_padding"}
# The name or the key of a certificate, in DER: an attribute of X.500, or RSA or an elliptic curve.
CERTIFICATE = re.compile(rb"\x31.\x30.\x06\x03\x55\x04|\x30.\x06[\x07\x09]\x2a\x86\x48", re.DOTALL)
CODE_OR_DATA = (".text", ".rodata", ".data", ".data.rel.ro", ".tdata", ".init_array", ".fini_array")


class Library:
    """The sections and relocations of a 64-bit little-endian ELF file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        if self.bytes[:6] != b"\x7fELF\x02\x01":
            raise SystemExit(f"size: {path} is no 64-bit little-endian ELF file")
        start, = struct.unpack_from("<Q", self.bytes, 40)
        size, count, names = struct.unpack_from("<HHH", self.bytes, 58)
        rows = [struct.unpack_from("<IIQQQQIIQQ", self.bytes, start + size * i) for i in range(count)]
        name = lambda at: self.bytes[rows[names][4] + at :].split(b"\0", 1)[0].decode()
        # name, type, flags, address, offset, size, link, info
        self.sections = [(name(row[0]), *row[1:8]) for row in rows]
        self.offsets = {section[0]: section[4] for section in self.sections}

    def loaded(self):
        """Of what is in memory and in the file: name, address, size."""
        return [(s[0], s[3], s[5]) for s in self.sections if s[2] & 2 and s[1] != 8]

    def content(self, address, size):
        for name, start, of_all in self.loaded():
            if start <= address < start + of_all:
                at = self.offsets[name] + address - start
                return self.bytes[at : at + size]
        return b""

    def references(self):
        """Pairs of addresses: where something refers from, and to what."""
        for name, kind, flags, _, offset, size, link, info in self.sections:
            if kind != 4 or flags & 2 or not self.sections[info][2] & 2 or self.sections[info][0] == ".eh_frame":
                continue
            symbols = self.sections[link][4]
            for place, what, addend in struct.iter_unpack("<QQq", self.bytes[offset : offset + size]):
                value, = struct.unpack_from("<Q", self.bytes, symbols + 24 * (what >> 32) + 8)
                if value:
                    # What counts from the instruction's end, does so from 4 bytes on in most of them.
                    is_relative = what & 0xFFFFFFFF not in (1, 10, 11)
                    yield place, value + addend + (4 if is_relative else 0)


def pieces(path):
    """Of the map: address, size, object, section."""
    lld = re.compile(r"^\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+ {2,}(\S.*):\((\.[^)]*)\)$")
    gnu = re.compile(r"^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$")
    found, held = [], ""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            line = line.rstrip("\n")
            if match := lld.match(line):
                address, size, origin, section = match.groups()
            else:
                # GNU ld breaks the line after a long name.
                if re.fullmatch(r" \.\S+", line):
                    held = line
                    continue
                match, held = gnu.match(held + line), ""
                if not match:
                    continue
                section, address, size, origin = match.groups()
            # What is not loaded has addresses that mean nothing.
            if int(size, 16) and section.startswith(CODE_OR_DATA):
                found.append((int(address, 16), int(size, 16), origin, section))
    return sorted(found)


def demangle(names):
    names = sorted(set(names))
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout.split("\n")
    return {name: re.sub(r"::h[0-9a-f]{16}$|\[[0-9a-f]{16}\]", "", plain) for name, plain in zip(names, done)}


def symbol(section):
    """The function or the static that a section is named after, or nothing."""
    match = re.match(r"\.(?:text|rodata|data|bss|tdata|data\.rel\.ro)(?:\.(?:unlikely|hot|startup|exit|cold))?\.(_[RZ].*|b2_.*)", section)
    return match.group(1) if match else ""


def part_of_name(plain):
    if plain.startswith("b2_"):
        return "b2auth: ffi"
    if "std::backtrace" in plain or "std::sys::backtrace" in plain:
        return "backtraces of std"
    crates = re.findall(r"(?<![\w:])([a-z_][a-z0-9_]*)::((?:[a-z_][a-z0-9_]*)?)", plain)
    for crate, room in crates:
        if crate == "b2auth":
            return f"b2auth: {room or 'lib'}"
        if crate in PART_OF:
            return PART_OF[crate]
        if crate not in STD:
            return "other crates"
    return "std" if crates else ""


def part_of_object(origin):
    base = os.path.basename(origin)
    if "libsqlite3" in origin or "sqlite3.o" in base:
        return "SQLite"
    if "libring-" in origin:
        return "ring"
    if "compiler_builtins" in origin:
        return "std"
    return ""


def attribute(library, found):
    """For each piece its part."""
    plain = demangle(filter(None, (symbol(piece[3]) for piece in found)))
    parts = []
    for _, _, origin, section in found:
        name = symbol(section)
        parts.append(part_of_object(origin) or (part_of_name(plain[name]) if name else ""))
    starts = [piece[0] for piece in found]
    for place, (address, size, _, section) in enumerate(found):
        if not parts[place] and section.startswith(".rodata") and CERTIFICATE.match(library.content(address, size)):
            parts[place] = "root certificates"

    def at(address):
        index = bisect.bisect_right(starts, address) - 1
        return index if index >= 0 and address < starts[index] + found[index][1] else None

    # From code first, then from the tables that code refers to, and so on.
    from_whom, roots = {}, {}
    for source, target in library.references():
        source, target = at(source), at(target)
        if source is not None and target is not None and parts[target] == "root certificates" and not parts[source]:
            roots[source] = roots.get(source, 0) + 1
        if source is not None and target is not None and not parts[target] and source != target:
            from_whom.setdefault(target, []).append(source)
    # The list of them.
    for source in (source for source, count in roots.items() if count > 20):
        parts[source] = "root certificates"
    waiting = {target for target in from_whom if not parts[target]}
    while waiting:
        settled = set()
        for target in waiting:
            votes = [parts[source] for source in from_whom[target] if parts[source]]
            if votes:
                settled.add((target, max(sorted(set(votes)), key=votes.count)))
        if not settled:
            break
        for target, part in settled:
            parts[target] = part
            waiting.discard(target)
    return parts, plain


def by_part(library, found, parts):
    sums = {}
    for name, address, size in library.loaded():
        if name in TABLES:
            sums[TABLES[name]] = sums.get(TABLES[name], 0) + size
        elif name in RELOCATIONS:
            sums["relocations"] = sums.get("relocations", 0) + size
        elif name in CODE_OR_DATA:
            left = size
            for (at, piece, _, _), part in zip(found, parts):
                if address <= at < address + size:
                    sums[part or "rest"] = sums.get(part or "rest", 0) + piece
                    left -= piece
            sums["rest"] = sums.get("rest", 0) + left
        else:
            sums["rest"] = sums.get("rest", 0) + size
    return sums


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--top", type=int, default=0)
    parser.add_argument("library")
    parser.add_argument("map")
    given = parser.parse_args()
    library, found = Library(given.library), pieces(given.map)
    inside = [(a, a + s) for n, a, s in library.loaded() if n in CODE_OR_DATA]
    found = [piece for piece in found if any(low <= piece[0] < high for low, high in inside)]
    if not found:
        raise SystemExit(f"size: {given.map} says nothing of the library")
    parts, plain = attribute(library, found)
    sums = by_part(library, found, parts)
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["strip", "-o", f"{work}/stripped", given.library], check=True)
        total = os.path.getsize(f"{work}/stripped")
    # The file's headers, and what fills its pages up.
    sums["rest"] = sums.get("rest", 0) + total - sum(sums.values())
    for part, size in sorted(sums.items(), key=lambda item: (item[0] == "rest", -item[1])):
        print(f"bench size part={part.replace(' ', '~')} bytes={size}")
    print(f"bench size part=all bytes={total}")
    largest = sorted(zip(found, parts), key=lambda item: -item[0][1])[: given.top]
    for (_, size, _, section), part in largest:
        print(f"# {size:7} {part or 'rest'}: {plain.get(symbol(section), section)[:150]}")


if __name__ == "__main__":
    main()
