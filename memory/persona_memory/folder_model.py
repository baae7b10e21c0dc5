"""An embedding model in a folder, such as `persona train --embedding` writes: of BERT's kind, with mean pooling."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from persona.errors import ModelNotFound, ModelNotTrusted

from .minilm import MiniLM

_NEEDS = ("config.json", "model.safetensors", "tokenizer.json")


class FolderModel(MiniLM):
    """The model of a folder. Its name holds the digest of its weights: other weights are another model.

    Only safetensors are read and no code of the folder is run. Raises ModelNotFound for a folder that lacks a file,
    ModelNotTrusted for a model of another kind. The weights must not change while it is in use.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in _NEEDS:
            if not (folder / name).is_file():
                cure = "Name a folder that `persona train --embedding` has written, or write `embedding: default`."
                raise ModelNotFound(file_text=str(folder / name), cure_text=cure)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        pooling = folder / "1_Pooling" / "config.json"
        means = json.loads(pooling.read_text(encoding="utf-8")) if pooling.is_file() else {}
        if config.get("model_type") != "bert" or not means.get("pooling_mode_mean_tokens", True):
            cause = "the memory reads models of BERT's kind with mean pooling only"
            raise ModelNotTrusted(file_text=str(folder), cause_text=cause)
        with (folder / "model.safetensors").open("rb") as stream:
            self._sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        self.name = f"{folder.name[:80]}@{self._sha256[:12]}"
        self.dimensions = int(config["hidden_size"])


def find_folder(given: str, data: Path) -> Path:
    """Return the folder that a personas file names: as it is, else beside the data folder or above that."""
    path = Path(given).expanduser()
    places = [path, *(parent / path for parent in data.absolute().parents)]
    return next((place for place in places if place.is_dir()), path)


def embedder_at(place: str, data: Path) -> MiniLM:
    """Return the model that `memory: {embedding: ...}` names."""
    return MiniLM() if place == "default" else FolderModel(find_folder(place, data))
