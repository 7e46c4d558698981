"""Generates the stubs of the protocol into src/cloaca/v1: `python tools/gen.py [folder]`. Needs grpcio-tools."""

from __future__ import annotations

import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent.parent
PROTO = HERE.parent.parent / "proto"
NOTE = '"""Generated from proto/cloaca/v1 by tools/gen.py."""\n'


def generate(into: Path) -> None:
    """Writes the package `cloaca.v1` into a folder that stands for `src`."""
    files = sorted(path.relative_to(PROTO).as_posix() for path in (PROTO / "cloaca/v1").glob("*.proto"))
    well_known = str(Path(grpc_tools.__file__).parent / "_proto")
    out = str(into)
    into.mkdir(parents=True, exist_ok=True)
    command = ["protoc", f"-I{PROTO}", f"-I{well_known}", f"--python_out={out}", f"--pyi_out={out}"]
    if protoc.main([*command, f"--grpc_python_out={out}", *files]) != 0:
        raise SystemExit("protoc failed")
    package = into / "cloaca/v1"
    (package / "__init__.py").write_text(NOTE, encoding="utf-8")
    # Only files of services have calls.
    for path in package.glob("*_pb2_grpc.py"):
        if "_add_" not in path.read_text(encoding="utf-8") and "Stub" not in path.read_text(encoding="utf-8"):
            path.unlink()


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "src")
