"""What is generated from the proto file is what the proto file says."""

import os
import subprocess
import sys
from pathlib import Path

import shared.rpc

FOLDER = Path(shared.rpc.__file__).parent
GENERATED = ("pb2.py", "pb2.pyi", "pb2_grpc.py", "pb2_grpc.pyi")


def test_the_code_is_what_the_proto_file_comes_to(tmp_path):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    proto = FOLDER / "device_management.proto"
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{FOLDER.parents[1]}", *outputs, proto],
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": path},
    )
    for ending in GENERATED:
        name = f"device_management_{ending}"
        fresh = (tmp_path / "shared" / "rpc" / name).read_text()
        assert (FOLDER / name).read_text() == fresh, f"{name} is stale: make proto"
