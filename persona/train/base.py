"""What a training starts from: the pocket writer, a folder, a hub name, or an earlier adapter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..digest import digest
from ..errors import ModelNotFound
from ..writer.adapter import WEIGHTS, base_of, check_adapter, is_adapter, revision_of
from ..writer.pocket import ADAPTER, adapted, base_folder, sha256_of

POCKET_LICENCE = "Apache-2.0 (SmolLM2-135M-Instruct by Hugging Face)"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_LICENCE = re.compile(r"^license:\s*(\S.*)$", re.MULTILINE)
_KINDS = "Give `pocket`, a folder with safetensors, the folder of an adapter, or a hub name (`org/name`)."


@dataclass(frozen=True, kw_only=True)
class Base:
    """A model to start from. `folder` holds its weights; `name`, `revision` and `below` are the model that an adapter
    says it stands on.

    `adapter` is an earlier adapter that is part of `folder`'s weights and not of those `below`: a new one must hold
    it too, since adapters do not stand on each other.
    """

    given: str
    folder: Path
    below: Path
    name: str
    licence: str
    revision: str | None = None
    adapter: Path | None = None

    @property
    def key(self) -> str:
        """A digest of what it is: the same weights have the same."""
        files = sorted(self.folder.glob("*.safetensors"))
        return digest("base", [[file.name, sha256_of(file)] for file in files])


def open_base(given: str, revision: str | None = None, *, tell: Callable[[str], None] | None = None) -> Base:
    """Return the base that `given` names. Raises ModelNotFound or ModelNotTrusted."""
    if given == "pocket":
        if (ADAPTER / WEIGHTS).is_file():
            return _over(ADAPTER, given, tell)
        folder = base_folder(progress=tell)
        return Base(given=given, folder=folder, below=folder, name="pocket", licence=POCKET_LICENCE)
    path = Path(given).expanduser()
    if path.is_dir():
        if is_adapter(path):
            check_adapter(path)
            return _over(path, given, tell)
        return Base(given=given, folder=path, below=path, name=str(path.resolve()), licence=_licence(path))
    if _HUB_NAME.fullmatch(given):
        from ..writer.hub import hub_folder

        folder = hub_folder(given, revision, progress=tell)
        # A folder of the local cache is named after its commit.
        return Base(
            given=given,
            folder=folder,
            below=folder,
            name=given,
            licence=_licence(folder),
            revision=revision or folder.name,
        )
    raise ModelNotFound(file_text=given, cure_text=_KINDS)


def _over(adapter: Path, given: str, tell: Callable[[str], None] | None) -> Base:
    name = base_of(adapter) or "pocket"
    if name == "pocket":
        raw = base_folder(progress=tell)
        below = Base(given=name, folder=raw, below=raw, name=name, licence=POCKET_LICENCE)
    else:
        beside = adapter / name
        below = open_base(str(beside) if beside.is_dir() else name, revision_of(adapter), tell=tell)
    folder = adapted(adapter, base=None if name == "pocket" else below.folder, progress=tell)
    return replace(below, given=given, folder=folder, adapter=adapter)


def _licence(folder: Path) -> str:
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8", errors="replace")[:4000] if readme.is_file() else ""
    if found := _LICENCE.search(text):
        return f"{found[1].strip()} (as its README.md says)"
    names = [file.name for file in sorted(folder.glob("LICEN[CS]E*"))]
    return f"see {names[0]} in its folder" if names else "not stated in its folder: look it up before you publish"
