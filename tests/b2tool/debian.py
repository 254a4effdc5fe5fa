"""Debian's b2 tool, led to the sandbox: debian.py KEY-ID KEY, with the sandbox's URL in SANDBOX. It knows servers by name only."""

import os
import sys

from b2.account_info.abstract import AbstractAccountInfo
from b2.console_tool import main

AbstractAccountInfo.REALM_URLS["production"] = os.environ["SANDBOX"]
sys.argv = ["backblaze-b2", "authorize-account", *sys.argv[1:]]
main()
