"""Models for tests: a chat model that answers at once, and a tiny real model made on the spot."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from persona.digest import rng_of

_PATTERNS = (
    "{First} again, and I still have something to say about it.",
    "What I like about {first}: it never goes quite as planned.",
    "Small note on {first}. Tomorrow more.",
    "Somebody asked me about {first} today. Here is the short answer: {second}.",
    "{First} and {second}, in this order, before noon.",
    "I changed my mind about {first}. Ask me why.",
    "If you only try one thing this week, try {first}.",
    "Less {second}, more {first}. That is the whole plan.",
)
_COMMON = frozenset({"about", "answer", "post", "reply", "short", "that", "their", "with", "words", "write", "your"})


class EchoChatModel(BaseChatModel):
    """A chat model for tests: no weights, no network. What it says is made from words of the last message.

    The same messages and seed give the same text; different seeds give different sentences, so that the choice among
    candidates and the guards have something to work on. `fail_on` makes it raise for messages that hold that text.
    """

    seed: int = 0
    fail_on: str = ""

    @property
    def _llm_type(self) -> str:
        return "persona-echo"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        last = str(messages[-1].text)
        if self.fail_on and self.fail_on in last:
            raise ValueError(f"the echo model was told to fail on {self.fail_on!r}")
        text = echo(last, rng_of(kwargs.get("seed", self.seed), [str(m.text) for m in messages]))
        for mark in stop or ():
            text = text.split(mark)[0]
        words = len(text.split())
        usage = {"input_tokens": 0, "output_tokens": words, "total_tokens": words}
        message = AIMessage(content=text, usage_metadata=usage, response_metadata={"finish_reason": "stop"})
        return ChatResult(generations=[ChatGeneration(message=message)])


def echo(prompt: str, rng: random.Random) -> str:
    """Return a sentence about two of the longer words of `prompt`."""
    words = [word for word in re.findall(r"[^\W\d_]{4,}", prompt.lower()) if word not in _COMMON]
    first, second = rng.choice(words or ["bread"]), rng.choice(words or ["coffee"])
    return rng.choice(_PATTERNS).format(first=first, First=first.capitalize(), second=second)


def tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write a random Llama of some 100,000 parameters to `folder`, with a tokenizer and a chat template.

    It writes nonsense in milliseconds, through the same code as a real model. Returns `folder`.
    """
    import numpy as np
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer()
    vocabulary, width, inner, layers = tokenizer.get_vocab_size(), 64, 96, 2
    heads, key_heads = 4, 2
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": width,
        "intermediate_size": inner,
        "max_position_embeddings": 512,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": key_heads,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "vocab_size": vocabulary,
        "bos_token_id": tokenizer.token_to_id("<|im_start|>"),
        "eos_token_id": tokenizer.token_to_id("<|im_end|>"),
        "pad_token_id": tokenizer.token_to_id("<|im_end|>"),
        "dtype": "float32",
    }
    rng = np.random.Generator(np.random.Philox(key=seed))

    def random_weight(rows: int, columns: int) -> Any:
        return rng.normal(0.0, 0.6 / columns**0.5, (rows, columns)).astype(np.float32)

    key_width = width // heads * key_heads
    tensors = {
        "model.embed_tokens.weight": random_weight(vocabulary, width) * 6,
        "model.norm.weight": np.ones(width, dtype=np.float32),
    }
    for layer in range(layers):
        shapes = {
            "self_attn.q_proj": (width, width),
            "self_attn.k_proj": (key_width, width),
            "self_attn.v_proj": (key_width, width),
            "self_attn.o_proj": (width, width),
            "mlp.gate_proj": (inner, width),
            "mlp.up_proj": (inner, width),
            "mlp.down_proj": (width, inner),
        }
        for name, shape in shapes.items():
            tensors[f"model.layers.{layer}.{name}.weight"] = random_weight(*shape) * 2
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"model.layers.{layer}.{name}.weight"] = np.ones(width, dtype=np.float32)
    template = (
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
        "'<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    )
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|im_end|>",
        "chat_template": template,
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def tiny_tokenizer() -> Any:
    """Return the byte-level tokenizer of `tiny_model`: 400 tokens, two of them control tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([pattern * 3 for pattern in _PATTERNS], trainer)
    return tokenizer
