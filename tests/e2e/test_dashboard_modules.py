"""The dashboard's modules without a browser: their own tests, their syntax, and the libraries they came with."""

import subprocess
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_DASHBOARD = _ROOT / "monitoring" / "dashboard"


def _node(node: Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        [node, *arguments],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_own_tests_pass(node: Path):
    _node(node, "--test", *sorted((_DASHBOARD / "tests").glob("*.test.js")))


def test_every_module_is_sound_javascript(node: Path):
    modules = [path for path in _DASHBOARD.rglob("*.js") if "vendor" not in path.parts]
    assert len(modules) > 30
    parse = "for (const path of process.argv.slice(1)) new vm.SourceTextModule(fs.readFileSync(path, 'utf8'))"
    _node(node, "--experimental-vm-modules", "--no-warnings", "--eval", parse, *modules)


def test_no_module_makes_markup_of_text():
    modules = [one for one in _DASHBOARD.rglob("*.js") if not {"vendor", "tests"} & set(one.parts)]
    assert _DASHBOARD / "app.js" in modules
    for module in modules:
        assert not any(door in module.read_text() for door in ("innerHTML", "outerHTML", "insertAdjacent")), module


def test_the_vendored_libraries_are_those_that_were_verified(node: Path):
    _node(node, "deploy/dashboard/vendor.mjs", "--check", "monitoring/dashboard/vendor", "tests/e2e/vendor")
