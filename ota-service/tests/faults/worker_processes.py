"""Workers of ota-service, one on each port given: what they import is loaded once, for it takes seconds.

Each says its process id. They end with this process's group.
"""

import os
import sys
from functools import partial

from ota_service.settings import SERVICE, Settings
from ota_service.worker import opened
from shared.worker import run_worker


def main(ports: list[int]) -> None:
    for port in ports:
        if os.fork() == 0:
            settings = Settings(metrics_port=port)
            sys.stdout.write(f"{os.getpid()}\n")
            sys.stdout.flush()
            run_worker(partial(opened, settings), service=SERVICE, settings=settings)
            return
    os.waitpid(0, 0)


if __name__ == "__main__":
    main([int(port) for port in sys.argv[1:]])
