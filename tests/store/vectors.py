#!/usr/bin/env python3
"""Writes tests/store/vectors.json: names, tags and sealed records, made without any code of the library.

    pip install cryptography; tests/store/vectors.py > tests/store/vectors.json

The file is committed and must not change: a record that one release has written opens in the next. A new layout has a new
salt, and a file of its own.
"""

import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT = b"b2auth token store 1"


def extract(salt, key):
    return hmac.new(salt, key, hashlib.sha256).digest()


def expand(prk, info, length):
    out, block, count = b"", b"", 0
    while len(out) < length:
        count += 1
        block = hmac.new(prk, block + info + bytes([count]), hashlib.sha256).digest()
        out += block
    return out[:length]


def keys(scope):
    prk = extract(SALT, scope["applicationKey"].encode())
    fields = [scope["realm"].encode(), scope["keyId"].encode(), bytes.fromhex(scope["trust"])]
    rest = b"".join(struct.pack("<Q", len(field)) + field for field in fields)
    return {label: expand(prk, label.encode() + rest, length) for label, length in (("name", 16), ("seal", 32), ("tag", 32))}


def plain(record):
    body = record["body"].encode()
    return (
        struct.pack(
            "<QqQQQQIHHI",
            record["generation"],
            record["writtenWallMs"],
            record["keptMs"],
            record["lifeMs"],
            record["leftMs"],
            record["pauseMs"],
            record["fails"],
            record["failHttp"],
            record["http"],
            record["spentMilli"],
        )
        + bytes.fromhex(record["bootId"])
        + struct.pack("<QI", record["writtenBootMs"], len(body))
        + body
    )


def reply(token, key_expires=None):
    return json.dumps(
        {
            "accountId": "4aa9865d6f00",
            "authorizationToken": token,
            "applicationKeyExpirationTimestamp": key_expires,
            "apiInfo": {
                "storageApi": {
                    "apiUrl": "https://api004.backblazeb2.com",
                    "downloadUrl": "https://f004.backblazeb2.com",
                    "s3ApiUrl": "https://s3.us-west-004.backblazeb2.com",
                    "recommendedPartSize": 100000000,
                    "absoluteMinimumPartSize": 5000000,
                    "allowed": {"buckets": None, "capabilities": ["listBuckets", "readFiles"], "namePrefix": None},
                }
            },
        }
    )


PRODUCTION = "https://api.backblazeb2.com"
TOKEN = "4_0014aa9865d6f0000000000b0_01b0a2f3_c7d8e9_acct_vector0123456789="
SCOPE = {"applicationKey": "K001vector/of+a+record/7q2m9w4kz", "keyId": "0014aa9865d6f0000000000b0", "realm": PRODUCTION, "trust": ""}
GRANT = {
    "generation": 7,
    "writtenWallMs": 1790000000000,
    "keptMs": 86340000,
    "lifeMs": 86400000,
    "leftMs": 86340000,
    "pauseMs": 0,
    "fails": 0,
    "failHttp": 0,
    "http": 200,
    "spentMilli": 1000,
    "bootId": "00112233445566778899aabbccddeeff",
    "writtenBootMs": 5000000,
    "body": reply(TOKEN),
}

CASES = [
    ("a grant", SCOPE, GRANT, TOKEN),
    ("another key", {**SCOPE, "applicationKey": "K002other"}, GRANT, TOKEN),
    ("another key ID", {**SCOPE, "keyId": "0014aa9865d6f0000000000b1"}, GRANT, TOKEN),
    ("another realm", {**SCOPE, "realm": "https://api.backblaze.net"}, GRANT, TOKEN),
    ("an extra CA", {**SCOPE, "trust": hashlib.sha256(b"a CA file\n").hexdigest()}, GRANT, TOKEN),
    (
        "a refusal",
        SCOPE,
        {**GRANT, "generation": 8, "keptMs": 3600000, "lifeMs": 0, "leftMs": 0, "http": 401,
         "body": json.dumps({"status": 401, "code": "bad_auth_token", "message": "Invalid authorization token"})},
        None,
    ),
    (
        "failures without a grant",
        SCOPE,
        {**GRANT, "generation": 0, "keptMs": 3600000, "lifeMs": 0, "leftMs": 0, "pauseMs": 16000, "fails": 3, "failHttp": 503,
         "http": 0, "spentMilli": 4250, "body": ""},
        None,
    ),
    (
        "a clock before 1970, and a key with an end",
        SCOPE,
        {**GRANT, "generation": 2**64 - 1, "writtenWallMs": -1, "bootId": "00" * 16, "writtenBootMs": 2**64 - 1,
         "body": reply(TOKEN, 1790000600000)},
        TOKEN,
    ),
]


def vector(number, name, scope, record, token):
    derived = keys(scope)
    tag = hmac.new(derived["tag"], token.encode(), hashlib.sha256).digest()[:16] if token else bytes(16)
    nonce = hashlib.sha256(f"nonce {number}".encode()).digest()[:12]
    head = bytes([1]) + tag
    sealed = AESGCM(derived["seal"]).encrypt(nonce, plain(record), head + derived["name"])
    return {
        "case": name,
        **scope,
        "name": derived["name"].hex(),
        "token": token,
        "tag": tag.hex(),
        "nonce": nonce.hex(),
        "record": record,
        "sealed": (head + nonce + sealed).hex(),
    }


print(json.dumps([vector(number, *case) for number, case in enumerate(CASES)], indent=1))
