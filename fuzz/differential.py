"""Holds our reply parser against b2sdk's. See differential.sh.

b2sdk checks nothing: it takes a number for a token and a URL of any kind. So it is no use to ask whether it refuses what
we refuse; but what both take, both must understand alike.
"""

import copy
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from b2sdk.v3 import B2Session, InMemoryAccountInfo

# Files for one run of our parser.
CHUNK = 500
# What is put in the place of a value.
ODD = [None, True, 0, 1, -1, 7.5, 1e300, 2**63 - 1, 2**63, "", " ", "x", "a\0b", "é", "https://h.example/", "http://h",
       "https://u@h", "production", [], ["x"], {}, {"id": "b", "name": None}, [{"id": "b", "name": "n"}]]


class Answers:
    """In the place of b2sdk's HTTP: answers with what it was given."""

    def __init__(self, reply):
        self.reply = reply

    def authorize_account(self, *_):
        return self.reply


def theirs(body):
    """What b2sdk makes of a reply, in our names; None if it takes no such reply."""
    info = InMemoryAccountInfo()
    session = B2Session(account_info=info)
    try:
        # As the response of requests reads it.
        session.raw_api = Answers(json.loads(body))
        session.authorize_account("production", "id", "key")
        allowed = info.get_allowed()
        return {
            "accountId": info.get_account_id(),
            "authorizationToken": info.get_account_auth_token(),
            "apiUrl": info.get_api_url(),
            "downloadUrl": info.get_download_url(),
            "s3ApiUrl": info.get_s3_api_url(),
            "recommendedPartSize": info.get_recommended_part_size(),
            "absoluteMinimumPartSize": info.get_absolute_minimum_part_size(),
            "capabilities": allowed["capabilities"],
            "buckets": allowed["buckets"],
            "namePrefix": allowed["namePrefix"],
        }
    except Exception:  # It fails in as many ways as there are mutants.
        return None


def ours(fields, bodies):
    """What our parser makes of the bodies, each an object or None."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, body in enumerate(bodies):
            paths.append(f"{folder}/{index:05}")
            Path(paths[-1]).write_bytes(body)
        done = subprocess.run([fields, *paths], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    # A fuzzer's program may try the empty input first; ours says null to that.
    lines = done.stdout.decode().splitlines()
    return [json.loads(line) for line in lines[-len(bodies):]]


def normal(fields):
    """Without the differences that are meant: order, a slash at the end of a URL, "" for no URL, unknown members."""
    normal = dict(fields)
    for name in ("apiUrl", "downloadUrl", "s3ApiUrl"):
        normal[name] = (fields[name] or "").rstrip("/") or None
    if fields["buckets"] is not None:
        normal["buckets"] = sorted((bucket["id"], bucket["name"] or "") for bucket in fields["buckets"])
    normal["capabilities"] = sorted(set(fields["capabilities"]))
    return normal


def says_more(body, name):
    """Whether the reply restricts in a place that only we read: beside `storageApi.allowed`, where v4 has it."""
    root = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    beside = [root, root.get("allowed"), root["apiInfo"]["storageApi"]]
    names = ("buckets", "bucketId") if name == "buckets" else (name,)
    return any(place.get(name) is not None for place in beside if place for name in names)


def differing(body, own, other):
    """The fields that were not read alike. To be stricter for a reason that the reply gives is meant.

    So is to name no capabilities where the reply names none: b2sdk fills in all those that it knows.
    """
    own, other = normal(own), normal(other)
    fields = [name for name in own if own[name] != other[name]]
    stricter = [name for name in ("buckets", "namePrefix") if other[name] is None and says_more(body, name)]
    if json.loads(body.removeprefix(b"\xef\xbb\xbf"))["apiInfo"]["storageApi"]["allowed"] is None:
        stricter.append("capabilities")
    return [name for name in fields if name not in stricter]


def places(value, way=()):
    """The ways to all values of a document."""
    yield way
    if isinstance(value, (dict, list)):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[name], (*way, name))


def mutant(seed, other, rng):
    """A document with one to three of its values changed, or bytes with some of them changed."""
    try:
        value = json.loads(seed)
    except ValueError:
        value = None
    if not isinstance(value, dict) or rng.random() < 0.25:
        data = bytearray(seed)
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(data) + 1)
            data[start : start + rng.randint(0, 4)] = rng.choice([b"", bytes([rng.randrange(256)]), b'"', b"0", b","])
        return bytes(data)
    for _ in range(rng.randint(1, 3)):
        *way, last = rng.choice([way for way in places(value) if way])
        parent = value
        for name in way:
            parent = parent[name]
        kind = rng.random()
        if kind < 0.2:
            del parent[last]
        elif kind < 0.4 and isinstance(parent, dict):
            name = rng.choice(re.findall(rb'"(\w+)":', other) or [b"x"]).decode()
            parent[name] = copy.deepcopy(parent[last])
        else:
            parent[last] = copy.deepcopy(rng.choice(ODD))
        if not value:
            break
    return json.dumps(value, ensure_ascii=rng.random() < 0.5).encode()


def main():
    fields, corpus, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    seeds = [path.read_bytes() for path in sorted(corpus.iterdir())]
    # The same mutants each time: a find can be repeated.
    rng = random.Random(1)
    bodies = seeds + [mutant(rng.choice(seeds), rng.choice(seeds), rng) for _ in range(count)]
    both = bad = taken = 0
    for start in range(0, len(bodies), CHUNK):
        chunk = bodies[start : start + CHUNK]
        for body, own in zip(chunk, ours(fields, chunk), strict=True):
            taken += own is not None
            other = theirs(body)
            if own is None or other is None:
                continue
            both += 1
            for name in differing(body, own, other):
                bad += 1
                print(f"not ok fuzz: {name} is {own[name]!r}, and to b2sdk {other[name]!r}: {body!r}")
    if not both:
        bad = 1
        print("not ok fuzz: no reply was taken by both")
    if not bad:
        print(f"ok fuzz: {both} of {len(bodies)} replies taken by both and read alike ({taken} taken by us)")
    sys.exit(bad > 0)


main()
