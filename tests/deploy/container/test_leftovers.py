from __future__ import annotations

from pathlib import Path

from deploy.container.leftovers import remove_regions


def test_own_regions_that_nobody_has_mapped_are_removed(tmp_path: Path) -> None:
    shm, processes = tmp_path / "shm", tmp_path / "proc"
    (processes / "12").mkdir(parents=True)
    (processes / "self").mkdir()
    shm.mkdir()
    for name in ("tandem_pod_1_dead", "tandem_pod_1_used", "tandem_pod_10_x", "triton_python_backend_shm_region_1"):
        (shm / name).write_bytes(b"x" * 8192)
    used = f"7f0000000000-7f0000001000 rw-s 00000000 00:17 5 {shm / 'tandem_pod_1_used'}\n"
    (processes / "12" / "maps").write_text(used + "7f0000002000-7f0000003000 r-xp 00000000 00:00 0 [vdso]\n")
    freed = remove_regions("pod-1", shm, processes)
    assert freed >= 8192
    assert sorted(path.name for path in shm.iterdir()) == [
        "tandem_pod_10_x",
        "tandem_pod_1_used",
        "triton_python_backend_shm_region_1",
    ]
