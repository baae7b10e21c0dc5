"""A model of the hub, as a folder: only of one known commit, never with pickled weights or code of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from persona.errors import ModelNotFound, ModelNotTrusted

from .folder import PICKLED, check_settings

log = logging.getLogger(__name__)

_SETTINGS = ["*.json", "*.jinja", "merges.txt", "vocab.txt"]
# Files in subfolders and `consolidated` ones are the same weights for other programs.
_WHICH: dict[str, Any] = {"ignore_patterns": ["*/*", "consolidated*"]}
_CURE = "Check the name and the network, or give a folder or `pocket`."


def hub_folder(name: str, revision: str | None = None, *, progress: Callable[[str], None] | None = None) -> Path:
    """Return the folder of the hub's model `name` at the commit `revision`: the local copy, else it is fetched.

    Without a revision the local copy of the main branch is taken, whatever the hub holds by now; where there is none,
    the newest commit is fetched, and the line that pins it is told and logged as a warning. What would be refused in
    a folder is refused before the weights are fetched. Raises ModelNotFound or ModelNotTrusted.
    """
    folder = _cached(name, revision)
    if folder is None:
        folder = _fetched(name, revision, progress or log.info)
        if revision is None:
            told = f"{name} was fetched as it is today. Write `revision: {folder.name}` beside it to keep this one."
            log.warning(told)
            if progress:
                progress(told)
    elif revision is None:
        log.info("%s is taken from the local cache; `revision: %s` would pin it", name, folder.name)
    return folder


def _cached(name: str, revision: str | None) -> Path | None:
    from huggingface_hub import snapshot_download

    patterns = [*_SETTINGS, "*.safetensors"]
    try:
        folder = snapshot_download(name, revision=revision, local_files_only=True, allow_patterns=patterns, **_WHICH)
    except (OSError, ValueError):
        return None
    return Path(folder) if any(Path(folder).glob("*.safetensors")) else None


def _fetched(name: str, revision: str | None, tell: Callable[[str], None]) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        info = HfApi().model_info(name, revision=revision)
        commit = str(info.sha)
        if revision is not None and commit != revision:
            raise ModelNotTrusted(file_text=name, cause_text=f"the hub gives {commit} for the commit {revision}")
        files = [file.rfilename for file in info.siblings or ()]
        if not any(file.endswith(".safetensors") and "/" not in file for file in files):
            if any(Path(file).suffix in PICKLED for file in files):
                cause = "its weights are pickled, which can run code; use a model with safetensors"
                raise ModelNotTrusted(file_text=name, cause_text=cause)
            raise ModelNotFound(file_text=f"{name}/*.safetensors", cure_text="The hub's model has no such file.")
        tell(f"Fetching {name} at {commit} from the hub ...")
        where: dict[str, Any] = {"revision": commit, **_WHICH}
        check_settings(Path(snapshot_download(name, allow_patterns=_SETTINGS, **where)))
        # By the name that was asked for: so the cache finds it again by that name.
        where["revision"] = revision
        return Path(snapshot_download(name, allow_patterns=[*_SETTINGS, "*.safetensors"], **where))
    except (ModelNotFound, ModelNotTrusted):
        raise
    except Exception as error:
        why = f"It is not in the local hub cache and cannot be fetched ({type(error).__name__}: {error}). "
        raise ModelNotFound(file_text=name, cure_text=why + _CURE) from error
