"""From a persona's writer settings to a writer."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona.digest import digest
from persona.errors import ModelNotFound

from .contract import Writer
from .threads import patient_threads

if TYPE_CHECKING:
    from persona.definition.schema import WriterSettings

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_LANGCHAIN = re.compile(r"[a-z][a-z0-9_]*:.+")
_FILES = ["*.safetensors", "*.json", "*.jinja"]


def open_writer(
    settings: WriterSettings,
    *,
    cache: MutableMapping[str, Writer] | None = None,
    api_key: str | None = None,
    root: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Writer:
    """Return the writer that `settings.model` names, loading it if `cache` does not hold it.

    `cache` maps keys to writers; pass one dict for all personas, so that a model is loaded once. `api_key` is the
    secret itself, already resolved. Relative paths start at `root`. Raises ModelNotFound, ModelNotTrusted.
    """
    patient_threads()
    key = digest(settings.model, settings.base_url, api_key)
    if cache is not None and key in cache:
        return cache[key]
    writer = _open(settings, api_key, root or Path(), progress)
    if cache is not None:
        cache[key] = writer
    return writer


def _open(settings: WriterSettings, api_key: str | None, root: Path, progress: Callable[[str], None] | None) -> Writer:
    model = settings.model
    if model == "pocket":
        from .pocket import pocket_folder

        return _local(pocket_folder(progress=progress), name="pocket")
    path = root / Path(model).expanduser()
    if path.suffix == ".gguf":
        from .gguf import gguf_folder

        return _local(gguf_folder(path, progress=progress), name=path.stem)
    if path.is_dir():
        return _local(path, name=path.resolve().name)
    if _LANGCHAIN.fullmatch(model):
        return _chat(model, settings.base_url, api_key)
    if _HUB_NAME.fullmatch(model):
        return _local(_from_hub(model), name=model)
    cure = "Give `pocket`, a folder, a .gguf file, a hub name (`org/name`) or a LangChain model (`provider:model`)."
    raise ModelNotFound(file_text=model, cure_text=cure)


def _local(folder: Path, *, name: str) -> Writer:
    from .local import LocalChatModel, LocalWriter

    model = LocalChatModel(folder=str(folder))
    return LocalWriter(model, name=f"{name}/{model.resolved_precision}")


def _chat(model: str, base_url: str | None, api_key: str | None) -> Writer:
    from langchain.chat_models import init_chat_model

    from .chat import ChatModelWriter

    given: dict[str, Any] = {"base_url": base_url, "api_key": api_key}
    try:
        chat = init_chat_model(model, **{name: value for name, value in given.items() if value is not None})
    except (ImportError, ValueError) as error:
        cure = f"LangChain cannot open it: {error}"
        raise ModelNotFound(file_text=model, cure_text=cure) from error
    return ChatModelWriter(chat, name=model)


def _from_hub(name: str) -> Path:
    """Return the folder of a hub model: the local copy if there is one, else it is fetched (never pickled weights)."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, local_files_only=True, allow_patterns=_FILES))
        if any(folder.glob("*.safetensors")):
            return folder
    except Exception:
        pass
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except Exception as error:
        cure = f"It is not in the local hub cache and cannot be fetched ({type(error).__name__}: {error}). "
        cure += "Check the name and the network, or give a folder or `pocket`."
        raise ModelNotFound(file_text=name, cure_text=cure) from error
