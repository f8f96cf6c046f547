"""Runs a command beside a fresh demo: `with_service.py BINARY COMMAND…`.

The command finds BASE_URL, EMAIL and PASSWORD of the person who takes in money, and DEMO, the file with everybody's."""

import os
import subprocess
import sys
import tempfile

from service import Service

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        service = Service(sys.argv[1], directory)
        try:
            user = service.demo["users"]["ar_executive"]
            found = {"BASE_URL": service.base_url, "EMAIL": user["email"], "PASSWORD": user["password"], "DEMO": os.path.join(directory, "demo.json")}
            done = subprocess.run(sys.argv[2:], env={**os.environ, **found}).returncode
        finally:
            service.stop()
    sys.exit(done)
