"""The structs of `native.c`, field by field."""

from __future__ import annotations

import ctypes

_POINTER, _LONG, _INT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32


class Weight(ctypes.Structure):
    """`struct weight`."""

    _fields_ = (("values", _POINTER), ("sums", _POINTER), ("scale", _POINTER), ("inputs", _INT), ("outputs", _INT))


class Layer(ctypes.Structure):
    """`struct layer`."""

    _fields_ = (
        *((name, Weight) for name in ("qkv", "out", "gate_up", "down")),
        ("attention_norm", _POINTER),
        ("mlp_norm", _POINTER),
    )


class Model(ctypes.Structure):
    """`struct model`."""

    _fields_ = (
        ("layers", _POINTER),
        ("head", Weight),
        *((name, _POINTER) for name in ("embeddings", "norm", "turns")),
        ("eps", ctypes.c_float),
        *((name, _INT) for name in ("count", "width", "inner", "heads", "key_heads", "size")),
    )


class Shelf(ctypes.Structure):
    """`struct shelf`."""

    _fields_ = (
        ("keys", _POINTER),
        ("values", _POINTER),
        *((name, _LONG) for name in ("key_layer", "key_head", "value_layer", "value_head")),
        ("slots", _INT),
        ("count", _INT),
    )


class Batch(ctypes.Structure):
    """`struct batch`."""

    _fields_ = (
        *((name, _POINTER) for name in ("shelves", "tokens", "positions", "units", "wanted")),
        *((name, _POINTER) for name in ("hidden", "query", "flat", "mixed", "factor", "logits", "whole")),
        *((name, _INT) for name in ("rows", "unit_count", "wanted_count", "threads")),
    )
