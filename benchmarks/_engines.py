"""Ways to run one model, side by side: each writes a load and says how many useful tokens it made."""

from __future__ import annotations

import gc
import importlib.util
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Literal

from benchmarks._loads import END, TEMPERATURE, TOP_K, TOP_P, Load, Loads
from persona.writer import LocalModel
from persona.writer.compiled import works
from persona.writer.pocket import cache_home

EXTRAS = {"llama_cpp": "bench", "ctranslate2": "bench", "langchain_huggingface": "dev"}
DRAW = {"do_sample": True, "temperature": TEMPERATURE, "top_k": TOP_K, "top_p": TOP_P}


class Engine(ABC):
    """One way. `serial` ones write text by text, so the first few texts of a load tell their rate."""

    name: str
    serial = False
    needs: tuple[str, ...] = ()
    """Modules without which it is left out."""

    def __init__(self, loads: Loads) -> None:
        self.loads = loads

    def missing(self) -> str:
        """Return what is not there and how to get it, or nothing."""
        name = next((name for name in self.needs if importlib.util.find_spec(name) is None), "")
        return f"it is not installed: pip install 'persona[{EXTRAS[name]}]'" if name else ""

    @abstractmethod
    def open(self, folder: Path, scratch: Path) -> None:
        """Load the model; not measured. `scratch` is an empty folder for what must be converted."""

    @abstractmethod
    def write(self, load: Load) -> int:
        """Write the load; return the useful tokens."""

    def forget(self) -> None:  # noqa: B027 - most engines keep nothing
        """Drop what was kept of earlier prompts, if anything is."""

    def close(self) -> None:
        """Give memory back."""
        for name in list(vars(self)):
            if name != "loads":
                delattr(self, name)
        gc.collect()


class Persona(Engine):
    """This project's writer: by torch, or with compiled C."""

    def __init__(
        self, loads: Loads, precision: Literal["float32", "bfloat16", "int8"], *, native: bool = False
    ) -> None:
        super().__init__(loads)
        self.name = f"persona, {precision}, {'compiled' if native else 'torch'}"
        self.precision, self.native = precision, native

    def missing(self) -> str:
        """Return whether the C compiler is missing, where it is needed."""
        return "it needs a C compiler and AVX-512 VNNI" if self.native and not works(cache_home()) else ""

    def open(self, folder: Path, scratch: Path) -> None:
        """Load."""
        self.model = LocalModel(folder, device="cpu", precision=self.precision, native=self.native)

    def write(self, load: Load) -> int:
        """Write all at once."""
        return sum(c.tokens for answer in self.model.write(load.requests()) for c in answer.candidates)

    def forget(self) -> None:
        """Drop the prefixes."""
        self.model.forget()

    def close(self) -> None:
        """Give memory back."""
        del self.model
        gc.collect()


class Transformers(Engine):
    """transformers' `generate`, one text after the other."""

    name, serial = "transformers, one by one", True

    def open(self, folder: Path, scratch: Path) -> None:
        """Load."""
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder)

    def write(self, load: Load) -> int:
        """Write one by one."""
        return sum(self._together(Load(name="", texts=(each,), shared=False)) for each in load.texts)

    def _together(self, load: Load) -> int:
        texts = [each.text for each in load.texts]
        inputs = self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        longest = max(each.wanted for each in load.texts)
        found = self.model.generate(**inputs, max_new_tokens=longest, **DRAW)
        return self.loads.useful(found[:, inputs["input_ids"].shape[1] :].tolist(), load)


class DynamicInt8(Transformers):
    """transformers' `generate` with torch's own dynamic int8 for every linear layer, one text after the other."""

    name = "torch dynamic int8, one by one"

    def open(self, folder: Path, scratch: Path) -> None:
        """Load and quantise."""
        import torch

        super().open(folder, scratch)
        quantise: Any = torch.ao.quantization.quantize_dynamic
        self.model = quantise(self.model, {torch.nn.Linear}, dtype=torch.qint8)


class Padded(Transformers):
    """transformers' `generate` on one padded batch; it goes on to the longest text's length."""

    name, serial = "transformers, padded batch", False

    def write(self, load: Load) -> int:
        """Write in batches of 16."""
        order = sorted(load.texts, key=lambda each: each.wanted)
        parts = [order[at : at + 16] for at in range(0, len(order), 16)]
        return sum(self._together(Load(name="", texts=tuple(part), shared=False)) for part in parts)


class Continuous(Transformers):
    """transformers' continuous batching, with its paged cache that shares prefixes."""

    name, serial = "transformers, continuous batching", False

    def write(self, load: Load) -> int:
        """Write all at once."""
        from transformers import ContinuousBatchingConfig, GenerationConfig

        made: Any = GenerationConfig
        settings = made(**DRAW, max_new_tokens=60, eos_token_id=self.model.config.eos_token_id)
        pages = ContinuousBatchingConfig(page_size=32, num_blocks=4096, max_batch_tokens=1024)
        with self.model.continuous_batching_context_manager(
            generation_config=settings, continuous_batching_config=pages
        ) as manager:
            names = {}
            for number, each in enumerate(load.texts):
                asked = manager.add_request([*each.shared, *each.own], max_new_tokens=each.wanted)
                names[asked] = number
            found: list[list[int]] = [[] for _ in load.texts]
            while names:
                result = manager.get_result(timeout=30)
                if result is None:
                    raise RuntimeError("it stopped without an answer")
                if result.is_finished():
                    found[names.pop(result.request_id)] = list(result.generated_tokens)
        return self.loads.useful(found, load)


class Pipeline(Transformers):
    """LangChain's HuggingFacePipeline, called in a loop."""

    name, serial = "HuggingFacePipeline, loop", True
    needs = ("langchain_huggingface",)

    def open(self, folder: Path, scratch: Path) -> None:
        """Load."""
        from langchain_huggingface import HuggingFacePipeline
        from transformers import pipeline

        super().open(folder, scratch)
        pipe: Any = pipeline("text-generation", model=self.model, tokenizer=self.tokenizer, return_full_text=False)
        self.chain: Any = HuggingFacePipeline(pipeline=pipe)

    def write(self, load: Load) -> int:
        """Write one by one."""
        found = [self.chain.invoke(each.text, **self._call(each.wanted)) for each in load.texts]
        return self._useful(found, load)

    def _call(self, wanted: int) -> dict[str, Any]:
        return {"pipeline_kwargs": {"max_new_tokens": wanted, **DRAW}, "skip_prompt": False}

    def _useful(self, found: list[str], load: Load) -> int:
        tokens = [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in found]
        return self.loads.useful(tokens, load)


class PipelineBatch(Pipeline):
    """LangChain's HuggingFacePipeline.batch: all texts get as long as the longest."""

    name = "HuggingFacePipeline, batch"

    def write(self, load: Load) -> int:
        """Write all."""
        longest = max(each.wanted for each in load.texts)
        return self._useful(self.chain.batch([each.text for each in load.texts], **self._call(longest)), load)


class CTranslate2(Engine):
    """CTranslate2 in int8, with the shared prompt as its static prompt; a text stops at its own length."""

    name = "CTranslate2, int8"
    needs = ("ctranslate2",)

    def open(self, folder: Path, scratch: Path) -> None:
        """Convert and load."""
        import ctranslate2

        made = scratch / "ct2"
        converter = ctranslate2.converters.TransformersConverter(str(folder), low_cpu_mem_usage=False)
        converter.convert(str(made), quantization="int8")
        self.generator: Any = ctranslate2.Generator(str(made), device="cpu", compute_type="int8", intra_threads=2)

    def write(self, load: Load) -> int:
        """Write all at once."""

        def words(tokens: tuple[int, ...]) -> list[str]:
            return [self.loads.tokenizer.id_to_token(token) for token in tokens]

        made = [0] * len(load.texts)

        def enough(step: Any) -> bool:
            place: int = step.batch_id
            made[place] += 1
            return made[place] >= load.texts[place].wanted

        alike = load.shared and len(load.texts) > 1
        found = self.generator.generate_batch(
            [words(each.own if alike else (*each.shared, *each.own)) for each in load.texts],
            static_prompt=words(load.texts[0].shared) if alike else None,
            include_prompt_in_result=False,
            max_length=max(each.wanted for each in load.texts),
            end_token=END,
            return_end_token=True,
            sampling_topk=TOP_K,
            sampling_topp=TOP_P,
            sampling_temperature=TEMPERATURE,
            callback=enough,
        )
        return self.loads.useful([result.sequences_ids[0] for result in found], load)


class LlamaCpp(Engine):
    """llama.cpp through its Python binding, one by one; it keeps the last prompt, so a shared one is read once."""

    name, serial = "llama.cpp, Q4_1, one by one", True
    needs = ("llama_cpp",)

    def open(self, folder: Path, scratch: Path) -> None:
        """Load the packaged file."""
        from llama_cpp import Llama

        from persona.writer.pocket import packaged_file

        file = str(packaged_file())
        self.llama: Any = Llama(model_path=file, n_ctx=4096, n_threads=2, n_threads_batch=2, verbose=False)

    def write(self, load: Load) -> int:
        """Write one by one."""
        end = self.loads.tokenizer.token_to_id(END)
        found = []
        for each in load.texts:
            tokens = []
            drawn = self.llama.generate(
                [*each.shared, *each.own], top_k=TOP_K, top_p=TOP_P, temp=TEMPERATURE, repeat_penalty=1.0
            )
            for token in drawn:
                tokens.append(token)
                if token == end or len(tokens) >= each.wanted:
                    break
            found.append(tokens)
        return self.loads.useful(found, load)

    def forget(self) -> None:
        """Drop the last prompt."""
        self.llama.reset()
