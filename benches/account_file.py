"""What the same costs in b2sdk, with its account file in SQLite: for benches/store.sh.

Each line is of processes of one look-up each, as in store.c. Python's start and the import are in lines of their own, so that
they are not taken for the look-up's.
"""

import os
import subprocess
import sys
import time

PROCESSES = 20
AGAIN = 300


def line(what, took):
    took = sorted(1e6 * one for one in took)
    what, best, middle, most = what.replace(" ", "~"), took[0], took[len(took) // 2], took[len(took) * 95 // 100]
    print(f"bench store what={what} best={best:.0f} median={middle:.0f} most={most:.0f}", flush=True)


def look_up(path):
    """What a call needs that finds a session: the account file opened, and the token, two URLs and the account in it."""
    from b2sdk.v3 import SqliteAccountInfo

    info = SqliteAccountInfo(file_name=path)
    return info.get_account_auth_token(), info.get_api_url(), info.get_download_url(), info.get_account_id()


def one_process(path):
    began = time.perf_counter()
    import b2sdk.v3  # noqa: F401

    imported = time.perf_counter()
    assert all(look_up(path))
    print(imported - began, time.perf_counter() - imported)


def main():
    path = sys.argv[1]
    if len(sys.argv) > 2:
        return one_process(path)
    from b2sdk.v3 import B2Api, SqliteAccountInfo

    api = B2Api(SqliteAccountInfo(file_name=path))
    key = os.environ["B2_APPLICATION_KEY_ID"], os.environ["B2_APPLICATION_KEY"]
    asked = []
    for _ in range(5):
        start = time.perf_counter()
        api.authorize_account(*key, realm=os.environ["B2_ENVIRONMENT"])
        asked.append(time.perf_counter() - start)
    whole, imports, first = [], [], []
    for _ in range(PROCESSES):
        start = time.perf_counter()
        out = subprocess.run([sys.executable, __file__, path, "once"], check=True, capture_output=True, text=True).stdout
        whole.append(time.perf_counter() - start)
        imported, looked = (float(word) for word in out.split())
        imports.append(imported)
        first.append(looked)
    again = []
    for _ in range(AGAIN):
        start = time.perf_counter()
        assert all(look_up(path))
        again.append(time.perf_counter() - start)
    line("b2sdk: a whole authorize, http on loopback", asked)
    line("b2sdk: its account file has it", first)
    line("b2sdk: the same, but not the first look-up", again)
    line("b2sdk: its import, before that", imports)
    line("b2sdk: the whole process", whole)


main()
