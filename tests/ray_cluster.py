"""A real Ray cluster of two nodes for tests, in a process of its own: `python -m tests.ray_cluster CLIENT_PORT`.

Prints the cluster's address and its session's folder; a line on standard input kills the second node; ends at its end.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

QUICK = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 300, "health_check_failure_threshold": 4}
"""A dead node is known to be so after a second or two; as Ray comes, after twenty."""


@dataclass
class Nodes:
    """Two nodes of one cluster."""

    address: str
    session: Path
    """Where Ray keeps its logs, and whatever it puts on disk."""
    client: str
    """For who is no part of the cluster."""
    process: subprocess.Popen[str]

    def lose_one(self) -> None:
        """Kill the second, with all that runs there."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "lost\n"

    def callers(self) -> list[int]:
        """The processes that make calls."""
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if self._calls(path)]

    def _calls(self, cmdline: Path) -> bool:
        try:
            named = cmdline.read_bytes().startswith(b"ray::Caller")
            return named and str(cmdline.parent.joinpath("fd/1").readlink()).startswith(str(self.session))
        except OSError:
            return False


@contextmanager
def running(port: int) -> Iterator[Nodes]:
    """The cluster, until it is no longer needed."""
    command = [sys.executable, "-m", "tests.ray_cluster", str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address, session = process.stdout.readline().split()
        yield Nodes(address, Path(session), f"ray://127.0.0.1:{port}", process)
        process.stdin.close()
        process.wait(60)


def main(port: int) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    head = {**small, "include_dashboard": False, "ray_client_server_port": port, "_system_config": QUICK}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(**small)
    print(cluster.address, cluster.head_node.get_session_dir_path(), flush=True)
    if sys.stdin.readline():
        cluster.remove_node(second, allow_graceful=False)
        print("lost", flush=True)
        sys.stdin.readline()
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
