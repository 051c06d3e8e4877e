"""The memory limit of a container, read from control groups of either version.

The groups are folders that are laid out as the kernel's own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from webhook.store.memory_limit import OVERHEAD, Limit, beyond_limit, limits

Mi: Final = 2**20


@dataclass(frozen=True, slots=True)
class Kernel:
    """A /proc/self and the folders of control groups, written by hand."""

    root: Path

    @property
    def proc(self) -> Path:
        return self.root / "proc"

    @property
    def mounted(self) -> Path:
        return self.root / "cgroup mounted"

    def places(self, path: str, mounts: str, groups: str) -> None:
        self.proc.mkdir()
        point = str(self.mounted).replace(" ", "\\040")
        (self.proc / "mountinfo").write_text(mounts.format(point=point))
        (self.proc / "cgroup").write_text(groups)
        (self.mounted / path).mkdir(parents=True)

    def says(self, path: str, **files: str) -> None:
        for name, text in files.items():
            (self.mounted / path / name.replace("__", ".")).write_text(text)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


V2: Final = "31 23 0:28 / {point} rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1: Final = (
    "30 23 0:27 {root} {{point}}/no rw - cgroup cgroup rw,cpu\n"
    "31 23 0:28 {root} {{point}} rw - cgroup cgroup rw,memory\n"
)
STAT: Final = (
    f"anon 1\nfile {90 * Mi}\nshmem {60 * Mi}\ninactive_file {20 * Mi}\nactive_file {10 * Mi}\n"
)


def test_version_2_subtracts_the_page_cache_and_not_the_tmpfs(kernel: Kernel) -> None:
    kernel.places("pod/loader", V2, "0::/pod/loader\n")
    kernel.says("pod/loader", memory__max="max\n", memory__current="5\n", memory__stat=STAT)
    kernel.says(
        "pod", memory__max=f"{400 * Mi}\n", memory__current=f"{100 * Mi}\n", memory__stat=STAT
    )
    assert list(limits(kernel.proc)) == [
        Limit(kernel.mounted / "pod" / "memory.max", 400 * Mi, 70 * Mi)
    ]


def test_version_2_in_its_own_namespace_has_its_limit_at_the_root(kernel: Kernel) -> None:
    kernel.places("", V2, "0::/\n")
    fits, tree = 256 * 100_000, 100_000
    limit = 60 * Mi + OVERHEAD + fits + tree
    kernel.says("", memory__max=str(limit), memory__current=str(90 * Mi), memory__stat=STAT)
    assert beyond_limit(fits, kernel.proc) is None
    text = beyond_limit(fits + 1, kernel.proc)
    assert text
    assert text.startswith(
        f"limit {limit} - used {60 * Mi} - overhead {OVERHEAD + tree} < needed {fits + 1} "
        "(181Mi - 60Mi - 97Mi < 25Mi; "
    )


def test_of_several_limits_the_tightest_is_reported(kernel: Kernel) -> None:
    kernel.places("pod/loader", V2, "0::/pod/loader\n")
    kernel.says("pod/loader", memory__max=f"{300 * Mi}", memory__current="0", memory__stat=STAT)
    kernel.says("pod", memory__max=f"{400 * Mi}", memory__current=f"{300 * Mi}", memory__stat=STAT)
    text = beyond_limit(200 * Mi, kernel.proc)
    assert text
    assert text.startswith(f"limit {400 * Mi} - used {270 * Mi} - ")


@pytest.mark.parametrize(
    ("root", "path", "folder"),
    [("/", "/pod/loader", "pod/loader"), ("/pod/loader", "/pod/loader", ""),
     ("/", "/not/seen/here", ""), ("/..", "/", ""), ("/kubepods", "/elsewhere", "")],
)  # fmt: skip
def test_version_1_is_found_wherever_the_container_sees_it(
    kernel: Kernel, root: str, path: str, folder: str
) -> None:
    kernel.places(folder, V1.format(root=root), f"2:cpu:/x\n4:memory:{path}\n0::/\n")
    stat = f"cache 1\nrss 1\ninactive_file 1\nactive_file 1\ntotal_rss 7\ntotal_inactive_file {3 * Mi}\ntotal_active_file 0\n"
    kernel.says(
        folder, memory__limit_in_bytes=f"{50 * Mi}\n", memory__usage_in_bytes=f"{5 * Mi}\n",
        memory__stat=stat,
    )  # fmt: skip
    assert list(limits(kernel.proc)) == [
        Limit(kernel.mounted / folder / "memory.limit_in_bytes", 50 * Mi, 2 * Mi)
    ]


@pytest.mark.parametrize("limit", ["max", "9223372036854771712"])
def test_without_a_limit_anything_fits(kernel: Kernel, limit: str) -> None:
    kernel.places("", V2, "0::/\n")
    kernel.says("", memory__max=limit, memory__current="1", memory__stat=STAT)
    assert beyond_limit(2**50, kernel.proc) is None


def test_if_control_groups_can_not_be_read_anything_fits(tmp_path: Path) -> None:
    assert beyond_limit(2**50, tmp_path) is None
