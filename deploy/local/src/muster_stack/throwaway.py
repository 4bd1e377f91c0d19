"""The same servers in a directory that goes away: for tests."""

import secrets
from concurrent.futures import Future, ThreadPoolExecutor

from muster_stack.keeper import Keeper
from muster_stack.layout import Layout
from muster_stack.mongodb import MongoDB
from muster_stack.ports import Ports
from muster_stack.postgres import Postgres
from muster_stack.processes import Processes
from muster_stack.rabbitmq import USERS, Epmd, RabbitMQ, RabbitPorts
from muster_stack.redis import Redis
from muster_stack.server import Server, ensure


class ThrowAway:
    """Servers by name (`postgres`, `redis`, `mongodb`, `rabbitmq`), each started when it is first wanted."""

    def __init__(self) -> None:
        self._keeper = Keeper("muster-tests-")
        self.directory = self._keeper.directory
        layout = Layout(self.directory)
        self.processes = Processes(layout.run, layout.logs)
        ports = Ports(layout.ports)
        password = secrets.token_hex(8)
        self.postgres = Postgres(layout.data / "postgres", ports.reserve("postgres"), password, durable=False)
        self.redis = Redis(layout.data / "redis", ports.reserve("redis"), password)
        self.mongodb = MongoDB(layout.data / "mongodb", ports.reserve("mongodb"))
        epmd_port = ports.reserve("epmd")
        self.epmd = Epmd(layout.data / "epmd", epmd_port)
        self.rabbitmq = RabbitMQ(
            layout.data / "rabbitmq",
            RabbitPorts(
                amqp=ports.reserve("amqp"),
                mqtt=ports.reserve("mqtt"),
                management=ports.reserve("management"),
                prometheus=ports.reserve("prometheus"),
                distribution=ports.reserve("distribution"),
                epmd=epmd_port,
                authorisation=ports.reserve("authorisation"),
            ),
            dict.fromkeys(USERS, password),
        )
        self._starting: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(max_workers=4)

    def begin(self, name: str) -> None:
        """Starts a server in the background, once."""
        if name not in self._starting:
            self._starting[name] = self._pool.submit(self.start, name)

    def wait(self, name: str) -> None:
        """Returns when the server serves. Raises what kept it from starting."""
        self.begin(name)
        self._starting[name].result()

    def stop(self, name: str) -> None:
        self.processes.stop([name])

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would do."""
        self.processes.kill(name)

    def start(self, name: str) -> None:
        """Starts it, again after `stop` or `kill` on the same address and data; returns when it serves."""
        servers: dict[str, tuple[Server, ...]] = {
            "postgres": (self.postgres,),
            "redis": (self.redis,),
            "mongodb": (self.mongodb,),
            "rabbitmq": (self.epmd, self.rabbitmq),
        }
        for server in servers[name]:
            ensure(self.processes, server)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._keeper.close()
