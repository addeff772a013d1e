"""What a kernel takes of a GPU, found by compiling it: no GPU is needed."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ensemble.index.gpu.errors import KernelFailed, translating
from ensemble.index.gpu.kernels.variant import Variant

# Shared memory that a program may have, in bytes, by compute capability (CUDA C++ Programming Guide, Technical
# Specifications per Compute Capability).
SHARED_BYTES = {80: 163 * 1024, 90: 227 * 1024}
# What programs on one multiprocessor share, by compute capability: shared memory in bytes, of which each program is
# charged 1 KB more than it asks for; and of any capability here, registers, groups of 32 threads, and programs.
SHARED_TOGETHER = {80: 164 * 1024, 90: 228 * 1024}
CHARGED, REGISTERS, WARPS, PROGRAMS = 1024, 65_536, 64, 32
# Registers are given to 32 threads at a time, so many together.
REGISTERS_AT_ONCE = 256
WARP = 32
ALIGNED = [["tt.divisibility", 16]]


@dataclass(frozen=True)
class Resources:
    """What one variant takes.

    Args:
        registers: Of each thread.
        spilled_bytes: Of each thread: what had no place in a register.
        shared_bytes: Of each program.
        tensor_cores: Which instruction multiplies: ``wgmma``, ``mma``, or ``-`` for none.
        load_bits: The widest load from device memory, of one thread.
        copy_bits: The narrowest of those that go to shared memory by themselves, as rows do in the scan; 0 for none.
        warps: Groups of 32 threads of a program.
    """

    registers: int
    spilled_bytes: int
    shared_bytes: int
    tensor_cores: str
    load_bits: int
    copy_bits: int
    warps: int

    def fits(self, capability: int) -> bool:
        """Whether nothing is spilled, and a GPU of this capability can start it."""
        return self.spilled_bytes == 0 and self.shared_bytes <= SHARED_BYTES[capability]

    def programs(self, capability: int) -> int:
        """How many programs a multiprocessor of this capability holds at a time."""
        registers = -(-self.registers * WARP // REGISTERS_AT_ONCE) * REGISTERS_AT_ONCE * self.warps
        shared = self.shared_bytes + CHARGED
        return min(REGISTERS // registers, SHARED_TOGETHER[capability] // shared, WARPS // self.warps, PROGRAMS)


def compiled(variant: Variant, capability: int) -> Resources:
    """Compile a variant.

    Args:
        variant: Which.
        capability: 80 for A100, 90 for H100 and H200.

    Raises:
        KernelFailed: It cannot be compiled; names it.
    """
    kernel = variant.kernel
    signature = {name: variant.types.get(name, "constexpr") for name in kernel.arg_names}
    aligned = {(place,): ALIGNED for place, kind in enumerate(signature.values()) if kind.startswith("*")}
    source = ASTSource(kernel, signature, dict(variant.constants), aligned)
    options = {"num_warps": variant.warps, "num_stages": variant.stages, "enable_fp_fusion": True}
    with translating(f"compiling {variant.name} ({variant.about}) for sm_{capability}"):
        made = triton.compile(source, target=GPUTarget("cuda", capability, WARP), options=options)
    with TemporaryDirectory(prefix="tandem-") as folder:
        file = Path(folder) / "kernel.cubin"
        file.write_bytes(made.asm["cubin"])
        usage = _tool("cuobjdump", "--dump-resource-usage", str(file))
        code = _tool("nvdisasm", "-c", str(file))
    registers, stack, local = (int(re.findall(rf"\b{part}:(\d+)", usage)[-1]) for part in ("REG", "STACK", "LOCAL"))
    cores = "wgmma" if "HGMMA" in code else "mma" if "HMMA" in code else "-"
    loads, copies = _bits("LDG", code), _bits("LDGSTS", code)
    shared = int(made.metadata.shared)
    widest, narrowest = max(loads + copies, default=0), min(copies, default=0)
    return Resources(registers, stack + local, shared, cores, widest, narrowest, variant.warps)


def _bits(instruction: str, code: str) -> list[int]:
    """How wide each of the loads from device memory is that some code has."""
    found = re.findall(rf"\b{instruction}\.([\w.]*)", code)
    return [int(width[1]) if (width := re.search(r"\b(64|128)\b", one)) else 32 for one in found]


def _tool(name: str, *arguments: str) -> str:
    """What a tool in the wheel of the Triton language says."""
    path = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / name
    try:
        return subprocess.run([path, *arguments], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise KernelFailed(f"{name} cannot read a compiled kernel: {error}") from error
