"""A language model in a local folder: loading it in the right format on the right device, and writing with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import Writer, WriteRequest, Written
from .device import Device, chosen_device
from .folder import ModelFolder
from .pocket import cache_home
from .switch import check_generation
from .threads import keep_memory, patient_threads

if TYPE_CHECKING:
    from .decode import Cancelled
    from .local import LocalChatModel
    from .precision import Precision
    from .weights import LlamaWeights


class LocalModel:
    """A causal language model (safetensors). Llama models run on persona's own forward passes, others on transformers'.

    `precision` is that of the products; `auto` on a CPU is what it is quickest in, measured once and kept in the cache
    folder. With `native`, int8 runs on compiled C where the machine has a C compiler. `device` `auto` is a GPU if there
    is one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: Device = "cpu",
        precision: Precision = "auto",
        native: bool = True,
        max_rows: int = 64,
        prefix_bytes: int = 512 * 2**20,
        batch_bytes: int = 1024 * 2**20,
    ) -> None:
        """Load. Raises ModelNotFound, ModelNotTrusted, DeviceMissing, PrecisionMissing."""
        patient_threads()
        keep_memory()
        from .decode import Decoder
        from .precision import formats
        from .prompt import Template
        from .weights import LlamaWeights, supports

        model_folder = ModelFolder.open(folder)
        self.folder = folder
        self.device = chosen_device(device)
        self.precision = "float32"
        forward: Any
        token_bytes = 0
        if supports(model_folder.config):
            wanted = formats(precision, self.device, cache=cache_home())
            self.precision = wanted.layers
            weights = LlamaWeights(model_folder.config, model_folder.tensors())
            token_bytes = weights.token_bytes
            forward = self._native(weights) if native and wanted.layers == "int8" else None
            if forward is None:
                from .llama import LlamaForward

                forward = LlamaForward(weights, precision=wanted.layers, head=wanted.head, device=self.device)
        else:
            from .general import TransformersForward

            forward = TransformersForward(model_folder.path, device=self.device)
        self.parameters: int = forward.parameters
        tokenizer = model_folder.tokenizer()
        self.decoder = Decoder(
            model=forward,
            tokenizer=tokenizer,
            template=Template(model_folder.template, tokenizer, tokens=model_folder.named_tokens()),
            stops=model_folder.stops(tokenizer),
            context=model_folder.context,
            token_bytes=token_bytes,
            max_rows=max_rows,
            prefix_bytes=prefix_bytes,
            batch_bytes=batch_bytes,
            device=self.device,
        )

    def _native(self, weights: LlamaWeights) -> Any:
        """Return the forward pass by compiled C, or None where that cannot be had."""
        from .compiled import compiled, works
        from .native import NativeForward, fits

        if not fits(weights) or not works(cache_home()):
            return None
        self.precision += "-native"
        return NativeForward(weights, compiled(cache_home()))

    def write(self, requests: Sequence[WriteRequest], *, cancelled: Cancelled | None = None) -> list[Written]:
        """Return one answer per request, in order; see `Decoder`. A request that fails does not fail the others."""
        check_generation(self.parameters)
        answers: list[Written] = self.decoder.write(requests, cancelled=cancelled)
        return answers

    def stream(self, request: WriteRequest, *, cancelled: Cancelled | None = None) -> Iterator[str]:
        """Yield the text of one candidate, piece by piece. Raises PromptTooLong."""
        check_generation(self.parameters)
        yield from self.decoder.stream(request, cancelled=cancelled)

    def forget(self) -> None:
        """Drop the kept keys and values of prompts."""
        self.decoder.prefixes.clear()


class LocalWriter(Writer):
    """The writer over a local model."""

    def __init__(self, model: LocalModel | LocalChatModel, *, name: str | None = None) -> None:
        self.model = model if isinstance(model, LocalModel) else model.local
        self.name = name or f"{self.model.folder.name}/{self.model.precision}"

    def write(self, requests: Sequence[WriteRequest], *, cancelled: Cancelled | None = None) -> list[Written]:
        """Return one answer per request, in order; once `cancelled` says so, an error for those that are not done."""
        return self.model.write(requests, cancelled=cancelled)
