"""b2sdk against the sandbox: sdk.py INTERFACE URL KEY-ID KEY"""

import importlib
import sys

interface, url, key_id, key = sys.argv[1:]
b2 = importlib.import_module(f"b2sdk.{interface}")
errors = importlib.import_module(f"b2sdk.{interface}.exception")

info = b2.InMemoryAccountInfo()
api = b2.B2Api(info)
api.authorize_account(application_key_id=key_id, application_key=key, realm=url)
assert info.get_account_id() == key_id[3:15], info.get_account_id()
assert info.get_api_url() == url and info.get_download_url() == url
assert info.get_recommended_part_size() > info.get_absolute_minimum_part_size() > 0
assert info.get_s3_api_url().startswith("https://s3.")
assert {bucket.name for bucket in api.list_buckets()} == {"my-bucket", "photos"}

bucket = api.get_bucket_by_name("photos")
bucket.upload_bytes(b"content", f"sdk/{interface}.txt")
assert f"sdk/{interface}.txt" in [version.file_name for version, _ in bucket.ls("sdk")]

try:
    b2.B2Api(b2.InMemoryAccountInfo()).authorize_account(
        application_key_id=key_id, application_key="wrong", realm=url
    )
except (errors.InvalidAuthToken, errors.Unauthorized):
    pass
else:
    sys.exit("a wrong key was accepted")
