#!/usr/bin/env python3
"""database.py FILE KEY_ID KEY REALM: writes what the b2 command-line tool would have stored for that key."""

import sqlite3
import sys

path, key_id, key, realm = sys.argv[1:]
with sqlite3.connect(path) as database:
    database.execute("CREATE TABLE update_done (update_number INT NOT NULL)")
    database.executemany("INSERT INTO update_done VALUES (?)", [(number,) for number in range(1, 7)])
    columns = {
        "account_id": "4aa9865d6f00",
        "application_key": key,
        "account_auth_token": "4_old",
        "api_url": realm,
        "download_url": realm,
        "absolute_minimum_part_size": 5000000,
        "recommended_part_size": 100000000,
        "realm": realm,
        "allowed": None,
        "account_id_or_app_key_id": key_id,
        "s3_api_url": None,
    }
    database.execute(f"CREATE TABLE account ({', '.join(columns)})")
    database.execute(f"INSERT INTO account VALUES ({', '.join('?' * len(columns))})", list(columns.values()))
