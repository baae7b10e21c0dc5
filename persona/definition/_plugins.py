"""Whether the channels and the memory that a personas file names are there, and take the settings they are given."""

from __future__ import annotations

from ..errors import PluginBroken, PluginNotFound
from ..plugins import PluginRegistry
from . import checks
from ._merge import Faults
from ._yaml import Entry, Node


def check_plugins(data: Node, registry: PluginRegistry, faults: Faults) -> None:
    """Look at what each persona of the merged document names; what is of a wrong kind is left to the schema."""
    personas = data.child("personas")
    for persona in personas.node.value if isinstance(personas, Entry) and isinstance(personas.node.value, list) else ():
        if not isinstance(persona.value, dict):
            continue
        channels = persona.value.get("channels")
        if channels is not None and isinstance(channels.node.value, dict):
            for name, entry in channels.node.value.items():
                _check_channel(name, entry, registry, faults)
        memory = persona.value.get("memory")
        store = memory.node.child("store") if memory is not None else None
        if isinstance(store, Entry) and isinstance(store.node.value, str):
            _check_store(store.node, registry, faults)


def _check_channel(name: str, entry: Entry, registry: PluginRegistry, faults: Faults) -> None:
    settings = entry.node
    if settings.value is None:
        settings = Node({}, settings.line, settings.column, settings.path)
    try:
        named = registry.channel(name).settings_model
        if not isinstance(settings.value, dict) or (isinstance(named, str) and not settings.value):
            return
        model = registry.settings_model(name)
    except PluginNotFound:
        known = registry.names("channel")
        hint = checks.nearest(name, known) or f"There are: {', '.join(known) or 'none'}."
        faults.add(entry, entry.path, "no channel plugin has this name.", f"{hint} `persona plugins` lists them.")
        return
    except PluginBroken as error:
        faults.add(entry, entry.path, str(error))
        return
    if model is None:
        for key in settings.value.values():
            faults.add(key, key.path, f"the channel {name} has no settings.", "Write {} instead.")
        return
    faults.settings(model, settings)


def _check_store(node: Node, registry: PluginRegistry, faults: Faults) -> None:
    known = registry.names("memory")
    if node.value not in known:
        hint = checks.nearest(node.value, known) or f"There are: {', '.join(known) or 'none'}."
        faults.add(node, node.path, "no memory plugin has this name.", f"{hint} `persona plugins` lists them.")
