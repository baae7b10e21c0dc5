"""A causal model in a form that can be trained on packs, whole or by low-rank additions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..errors import PersonaError
from ..writer.folder import ModelFolder
from ..writer.prompt import Template
from . import attention
from .extra import needs
from .pack import Pack
from .quiet import quiet
from .recipe import Recipe

_BESIDE = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)
_AGREES = {"float32": 0.005, "bfloat16": 0.3}
"""Mean difference of a token's log-probability, in nats, that rounding alone may make."""


class CannotTrain(PersonaError, ValueError):
    """The model {file_text} cannot be trained here: {cause_text}. Models of the Llama and GPT-2 types can."""

    exit_code = 4


class Trainable:
    """A transformers model with its trainable parameters.

    Of each pack only the places that predict a token of an answer go through the last projection, which for a small
    model with a large vocabulary is a third of all work.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Load the model in `folder`. Raises ModelNotFound or ModelNotTrusted."""
        from transformers import AutoModelForCausalLM

        attention.register()
        self.source = ModelFolder.open(folder)
        self.recipe = recipe
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        with quiet():
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, recipe.precision),
                attn_implementation=attention.PACKED,
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=True,
            )
        self._plain: Any = model
        self._peft: Any = None
        if recipe.method == "lora":
            model = self._peft = _with_lora(model, recipe)
            base = model.base_model.model
        else:
            base = model
        self._model = model.to(self.device)
        self._body, self._head = base.get_decoder(), base.get_output_embeddings()
        # Without dropout a step depends on its pack alone, and a run that was stopped goes on with the same numbers.
        self._model.eval()
        self.parameters: list[Tensor] = [p for p in model.parameters() if p.requires_grad]

    @property
    def count(self) -> int:
        """How many numbers are trained."""
        return sum(p.numel() for p in self.parameters)

    @property
    def context(self) -> int:
        """How many tokens a prompt and its text may have."""
        return int(getattr(self._plain.config, "max_position_embeddings", None) or self.source.context)

    def packing(self) -> tuple[Any, Template, str]:
        """Return tokenizer, template and the text that ends an answer."""
        tokenizer = self.source.tokenizer()
        # A tokenizer's file may carry the settings of whoever saved it; a text cut short would teach to stop there.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        named = self.source.named_tokens()
        template = Template(self.source.template, tokenizer, tokens=named)
        end = "<|im_end|>" if tokenizer.token_to_id("<|im_end|>") is not None else named["eos_token"]
        if not end:
            known = self._plain.config.eos_token_id
            end = tokenizer.id_to_token(known[0] if isinstance(known, list) else known) if known is not None else ""
        return tokenizer, template, end or ""

    def run(self, pack: Pack) -> tuple[Tensor, Tensor]:
        """Return the logits, [answer tokens, vocabulary], and the tokens they shall predict."""
        targets = torch.tensor(pack.targets, device=self.device)
        keep = targets >= 0
        hidden = self._body(
            input_ids=torch.tensor([pack.ids], device=self.device),
            position_ids=torch.tensor([pack.positions], device=self.device),
            use_cache=False,
            spans=pack.spans,
        ).last_hidden_state[0]
        return self._head(hidden[keep]).float(), targets[keep]

    def check(self, pack: Pack) -> None:
        """Raise CannotTrain unless the last text of `pack` has the losses that the model itself gives it alone."""
        config = self._plain.config
        window = getattr(config, "sliding_window", None)
        if window and getattr(config, "use_sliding_window", True) and window < self.recipe.pack:
            cause = f"it looks back over {window} tokens only, and packs are longer"
            raise CannotTrain(file_text=str(self.source.path), cause_text=cause)
        start, end = pack.spans[-1]
        places = [*range(pack.shared), *range(start, end)]
        ids = torch.tensor([[pack.ids[i] for i in places]], device=self.device)
        targets = torch.tensor([pack.targets[i] for i in places], device=self.device)
        try:
            with torch.inference_mode():
                logits, wanted = self.run(pack)
                self._plain.set_attn_implementation("eager")
                alone = self._model(input_ids=ids, use_cache=False).logits[0].float()
        except (TypeError, ValueError, RuntimeError, AttributeError) as error:
            cause = f"its layers do not take packs ({type(error).__name__})"
            raise CannotTrain(file_text=str(self.source.path), cause_text=cause) from error
        finally:
            self._plain.set_attn_implementation(attention.PACKED)
        last = int((targets >= 0).sum())
        packed = cross_entropy(logits[-last:], wanted[-last:], reduction="none")
        plain = cross_entropy(alone[targets >= 0], targets[targets >= 0], reduction="none")
        apart = float((packed - plain).abs().mean())
        if not apart <= _AGREES[self.recipe.precision]:
            cause = f"its attention is of another kind: a token's loss in a pack is {apart:.3f} from that alone"
            raise CannotTrain(file_text=str(self.source.path), cause_text=cause)

    def save(self, out: Path, *, base: str, revision: str | None = None) -> None:
        """Write an adapter (peft's format, bfloat16) or a whole model folder.

        `base` names what it was made from, `revision` the commit of it that the hub has.
        """
        out.mkdir(parents=True, exist_ok=True)
        if self._peft is not None:
            # "auto" would ask the hub whether the vocabulary has grown.
            self._peft.save_pretrained(out, safe_serialization=True, save_embedding_layers=False)
            _half(out / "adapter_model.safetensors")
            config = json.loads((out / "adapter_config.json").read_text(encoding="utf-8"))
            config |= {"base_model_name_or_path": base, "revision": revision}
            (out / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", "utf-8")
            (out / "README.md").unlink(missing_ok=True)
            return
        tensors = {name: value.detach().contiguous().cpu() for name, value in self._model.state_dict().items()}
        # GPT-2's own file does not say that its last projection is its embedding; its config class does.
        if self._plain.config.tie_word_embeddings:
            tensors.pop("lm_head.weight", None)
        save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
        for name in _BESIDE:
            if (file := self.source.path / name).is_file():
                (out / name).write_bytes(file.read_bytes())
        if not (out / "tokenizer.json").is_file():
            self.source.tokenizer().save(str(out / "tokenizer.json"))


def _with_lora(model: Any, recipe: Recipe) -> Any:
    needs("peft", "training adapters")
    from peft import LoraConfig, get_peft_model
    from transformers.pytorch_utils import Conv1D

    torch.manual_seed(recipe.seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        # GPT-2 keeps its weights the other way round.
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )
    with quiet():
        return get_peft_model(model, config, autocast_adapter_dtype=False)


def _half(file: Path) -> None:
    from safetensors.torch import load_file

    tensors = {name: value.to(torch.bfloat16).contiguous() for name, value in load_file(file).items()}
    save_file(tensors, file, metadata={"format": "pt"})
