"""What the tests ask of the sandbox server, and keys of their own, so that no test meets another's cache or limits."""

import json
import os
import subprocess
import sys
import urllib.request
import uuid

CONTROL = os.environ["B2_SANDBOX"]
REALM = os.environ["B2_ENVIRONMENT"]
KEY_ID = os.environ["B2_APPLICATION_KEY_ID"]
KEY = os.environ["B2_APPLICATION_KEY"]
ACCOUNT = "4aa9865d6f00"
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with _direct.open(urllib.request.Request(f"{CONTROL}/{path}", data=data), timeout=30) as response:
        return json.loads(response.read() or b"null")


def new_key(**fields):
    """A key of a test's own: its ID and the key itself."""
    key = {"keyId": "001" + uuid.uuid4().hex[:22], "key": "K001" + uuid.uuid4().hex[:27]}
    key.update(fields)
    ask("keys", [key])
    return key["keyId"], key["key"]


def fail_next(key_id, *faults):
    ask("script", {"keyId": key_id, "faults": list(faults)})


def requests_of(key_id):
    return ask(f"count?keyId={key_id}")["count"]


def wait_until_held(latch, at_least=1):
    held = ask(f"held?latch={latch}&atLeast={at_least}&timeoutMs=30000")["held"]
    assert held >= at_least, f"{held} requests wait at {latch}"


def release(latch):
    ask("release", {"latch": latch})


def python(program, *arguments, **options):
    """Another interpreter that runs this program, given as text."""
    return subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        **options,
    )
