"""Has the sandbox's log witness what a client did, and empties it for the next one.

    witness.py CONTROL VERSIONS CALLS

VERSIONS: those that an authorize request, answered by 200, may be of (1,4), or nothing if there
need be none. CALLS: each was made and answered by 200. Prints what was seen, or what was not.
"""

import collections
import json
import sys
import urllib.request


def refute(why):
    print(why)
    sys.exit(1)


control, versions, calls = sys.argv[1:]
loopback = urllib.request.build_opener(urllib.request.ProxyHandler({}))
log = json.load(loopback.open(control + "/log"))
loopback.open(urllib.request.Request(control + "/log", method="DELETE"))

answered = [entry for entry in log if entry["status"] == 200]
authorized = [entry for entry in answered if entry["call"] == "b2_authorize_account"]
if versions and not authorized:
    refute(f"no authorize request was answered by 200, of {len(log)} requests")
for entry in authorized:
    if versions and str(entry["version"]) not in versions.split(","):
        refute(f"authorized by version {entry['version']}, not {versions}")
for call in filter(None, calls.split(",")):
    if not any(entry["call"] == call for entry in answered):
        refute(f"{call} was not answered by 200")

seen = sorted({f"{entry['method']} v{entry['version']}" for entry in authorized})
statuses = collections.Counter(str(entry["status"]) for entry in log)
print(", ".join(seen + [f"{count} × {status}" for status, count in sorted(statuses.items())]))
