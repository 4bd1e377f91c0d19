"""A release as a tree of its parts, as a terminal shows it: what goes on is open, all else is a line."""

from collections.abc import Iterator

from rich.text import Text
from rich.tree import Tree

from muster_cli.client.releases import ReleaseNode
from muster_cli.output import one_line

_STYLES = {
    "running": "cyan",
    "completed": "green",
    "failed": "bold red",
    "paused": "yellow",
    "cancelled": "yellow",
    "rolling_back": "yellow",
    "rolled_back": "yellow",
}
_WAITING = frozenset({"draft", "scheduled"})
_DONE = "completed"


def tree(release: ReleaseNode, detail: str | None) -> Tree:
    """`detail` says why it does not go on. Waves that wait, and those that are done without a failure, are closed."""
    root = Tree(_line(release, f": {one_line(detail)}" if detail else ""), guide_style="dim")
    for wave in release.waves:
        branch = root.add(_line(wave))
        if not _is_closed(wave):
            _grow(branch, wave)
    return root


def _grow(branch: Tree, node: ReleaseNode) -> None:
    for child in _below(node):
        _grow(branch.add(_line(child)), child)


def _line(node: ReleaseNode, more: str = "") -> Text:
    """On one line whatever the terminal's width: its beginning says what it is and how far."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(one_line(node.id)).append("  ").append(node.state, style=_STYLES.get(node.state, "dim"))
    line.append(f"  {node.progress.succeeded}/{node.progress.devices}")
    if node.progress.failed:
        line.append(f", {node.progress.failed} failed", style="red")
    return line.append(more)


def _is_closed(wave: ReleaseNode) -> bool:
    return wave.state in _WAITING or (wave.state == _DONE and not wave.progress.failed)


def _below(node: ReleaseNode) -> Iterator[ReleaseNode]:
    yield from node.clusters
    if node.bundle is not None:
        yield node.bundle
    yield from node.apps
