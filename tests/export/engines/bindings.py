"""The real Python bindings of three versions of TensorRT, over stub libraries: every name, class and enum is NVIDIA's.

The wheels hold the bindings alone, about 1 MB each. They are fetched once into the user's cache, never into the
repository, and import with libraries that have the few symbols they link to and do nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tandem" / "tensorrt-bindings"
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser", "nvparsers")
SYMBOLS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
    # Of the Caffe and UFF parsers that 8.6 still had.
    "_ZN11nvuffparser15createUffParserEv",
    "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi",
    "_ZN14nvcaffeparser117createCaffeParserEv",
    "_ZN14nvcaffeparser123shutdownProtobufLibraryEv",
)


class CannotBeHadError(Exception):
    """Why the bindings are not here."""


@dataclass(frozen=True)
class Version:
    name: str
    requirement: str

    @property
    def major(self) -> str:
        return self.name.partition(".")[0]


VERSIONS = (
    Version("8.6", "tensorrt-bindings==8.6.1"),
    Version("10.16", "tensorrt_cu13_bindings==10.16.1.11"),
    Version("11.4", "tensorrt_cu13_bindings==11.4.0.106"),
)


def bindings(version: Version) -> tuple[Path, Path]:
    """Folders of the package and of the stub libraries."""
    folder = CACHE / f"{version.name}-cp{sys.version_info.major}{sys.version_info.minor}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            made = Path(work) / "made"
            _fetch(version, Path(work) / "wheel", made / "package")
            _compile(version, made / "libraries")
            made.rename(folder)
    return folder / "package", folder / "libraries"


def _fetch(version: Version, wheel: Path, package: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--retries", "0"]
    run = subprocess.run(
        [*command, "--timeout", "15", "--quiet", "-d", str(wheel), version.requirement],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = [*wheel.glob("*.whl")] if wheel.is_dir() else []
    if run.returncode or not found:
        last = (run.stderr.strip().splitlines() or ["no wheel"])[-1]
        raise CannotBeHadError(f"{version.requirement} cannot be fetched: {last}")
    with zipfile.ZipFile(found[0]) as archive:
        archive.extractall(package)


def _compile(version: Version, libraries: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise CannotBeHadError("there is no C compiler for the stub libraries")
    libraries.mkdir(parents=True)
    source = libraries / "stub.c"
    source.write_text("".join(f"void *{symbol}(void) {{ return 0; }}\n" for symbol in SYMBOLS))
    for name in LIBRARIES:
        file = f"lib{name}.so.{version.major}"
        arguments = ["-shared", "-fPIC", f"-Wl,-soname,{file}", "-o", str(libraries / file), str(source)]
        subprocess.run([compiler, *arguments], check=True, capture_output=True)
