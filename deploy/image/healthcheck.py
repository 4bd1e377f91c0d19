"""Ends with 0 when the process in this container is ready: `healthcheck.py PORT`."""

import sys
import urllib.error
import urllib.request

try:
    urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=5)
except urllib.error.URLError as error:
    sys.exit(f"not ready: {error}")
