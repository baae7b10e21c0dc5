"""From a persona's writer settings to a writer."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from persona.digest import digest
from persona.errors import ModelNotFound, ModelNotTrusted

from .contract import Writer
from .threads import patient_threads

if TYPE_CHECKING:
    from persona.definition.writing import WriterModel, WriterSettings

    from .budget import Account

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_LANGCHAIN = re.compile(r"[a-z][a-z0-9_]*:.+")
_KINDS = "Give `pocket`, a folder, a .gguf file, a hub name (`org/name`) or a LangChain model (`provider:model`)."

_OF_THE_MODEL = {
    "model",
    "revision",
    "base_url",
    "api_key",
    "timeout",
    "retries",
    "requests_per_minute",
    "device",
    "options",
}

Tell = Callable[[str], None]


def open_writer(
    settings: WriterSettings,
    *,
    cache: MutableMapping[str, Writer] | None = None,
    root: Path | None = None,
    progress: Tell | None = None,
    account: Account | None = None,
) -> Writer:
    """Return the writer that `settings` ask for: the model, within its budget, and with its fall-back behind it.

    `cache` maps keys to models; pass one dict for all personas, so that a model is loaded once and a rate limit holds
    for all. Relative paths start at `root`. `account` says whose budget it is, and is needed where there is one. A
    key named `env:NAME` is read here. Raises ModelNotFound, ModelNotTrusted, SecretMissing, and ValueError for a
    budget without an account.
    """
    patient_threads()
    opener = _Opener(cache if cache is not None else {}, root or Path(), progress)
    writer = opener.stack(settings, account)
    if settings.fallback is None:
        return writer
    from .fallback import FallbackWriter

    other = replace(account, place="fallback") if account else None
    return FallbackWriter(writer, partial(opener.stack, settings.fallback, other))


class _Opener:
    def __init__(self, cache: MutableMapping[str, Writer], root: Path, progress: Tell | None) -> None:
        self._cache, self._root, self._progress = cache, root, progress

    def stack(self, settings: WriterModel, account: Account | None) -> Writer:
        """Return the model, and around it what a budget and a network ask for."""
        key = digest(settings.model_dump(mode="json", include=_OF_THE_MODEL), str(self._root))
        if key not in self._cache:
            self._cache[key] = _open(settings, self._root, self._progress)
        model = self._cache[key]
        if settings.budget is not None:
            # Inside the retries, so that each of them is reserved before it is made.
            return _bearing(settings, _budgeted(settings, model, account))
        whole = f"{key}:whole"
        if whole not in self._cache:
            self._cache[whole] = _bearing(settings, model)
        return self._cache[whole]


def _budgeted(settings: WriterModel, model: Writer, account: Account | None) -> Writer:
    from .budget import BudgetedWriter, Tariff

    if account is None:
        raise ValueError("a writer with a budget needs an account to count it in")
    limits, price = settings.budget, settings.price
    tariff = Tariff(
        tokens=(limits.tokens if limits else None) or 0,
        money=(limits.money if limits else None) or 0.0,
        input=price.input if price else 0.0,
        output=price.output if price else 0.0,
    )
    return BudgetedWriter(model, account=account, tariff=tariff)


def _bearing(settings: WriterModel, writer: Writer) -> Writer:
    """Return a remote writer that asks again, and with less, where that may help; a local one needs neither."""
    if not _is_remote(settings.model):
        return writer
    from .retrying import RetryingWriter
    from .shortening import ShorteningWriter

    return ShorteningWriter(RetryingWriter(writer, retries=settings.retries))


def _is_remote(model: str) -> bool:
    return _LANGCHAIN.fullmatch(model) is not None and not model.endswith(".gguf")


def _open(settings: WriterModel, root: Path, progress: Tell | None) -> Writer:
    model = settings.model
    path = root / Path(model).expanduser()
    if model == "pocket":
        from .pocket import pocket_folder

        return _local(pocket_folder(progress=progress), settings, name="pocket")
    if path.suffix == ".gguf":
        from .gguf import gguf_folder

        return _local(gguf_folder(path, progress=progress), settings, name=path.stem)
    if _is_remote(model):
        from persona.definition.secrets import resolve_secrets

        from .remote import open_remote

        secret = resolve_secrets({"api_key": settings.api_key}, "writer")["api_key"] if settings.api_key else None
        return open_remote(settings, secret)
    if path.is_dir():
        return _local(_with_adapter(path, root, progress), settings, name=path.resolve().name)
    if _HUB_NAME.fullmatch(model):
        from .hub import hub_folder

        return _local(hub_folder(model, settings.revision, progress=progress), settings, name=model)
    raise ModelNotFound(file_text=model, cure_text=_KINDS)


def _local(folder: Path, settings: WriterModel, *, name: str) -> Writer:
    from .model import LocalModel, LocalWriter

    model = LocalModel(folder, device=settings.device)
    return LocalWriter(model, name=f"{name}/{model.precision}")


def _with_adapter(folder: Path, root: Path, progress: Tell | None) -> Path:
    """Return the folder itself, or, if it holds an adapter, the folder of its base model with it merged in.

    The base is what the adapter names: `pocket` (or nothing), a folder (beside the adapter, at `root`, or absolute),
    or a hub name, at the commit that the adapter names.
    """
    from .adapter import base_of, check_adapter, is_adapter, revision_of
    from .pocket import adapted

    if not is_adapter(folder):
        return folder
    check_adapter(folder)
    base = base_of(folder)
    if base in ("", "pocket"):
        return adapted(folder, progress=progress)
    for place in (folder, root):
        found = place / Path(base).expanduser()
        if found.is_dir():
            if is_adapter(found):
                cause = f"it stands on another adapter, {found}; merge that one into its model first"
                raise ModelNotTrusted(file_text=str(folder), cause_text=cause)
            return adapted(folder, base=found, progress=progress)
    if _HUB_NAME.fullmatch(base):
        from .hub import hub_folder

        return adapted(folder, base=hub_folder(base, revision_of(folder), progress=progress), progress=progress)
    cure = f"The adapter in {folder} was made for it. Put it there, or mend `base_model_name_or_path`."
    raise ModelNotFound(file_text=base, cure_text=cure)
