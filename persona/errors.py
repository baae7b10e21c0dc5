"""Every error that persona raises on purpose. A docstring is the message; it names the cure."""

from __future__ import annotations

import inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta


class PersonaError(Exception):
    """Something that persona refuses to do, with the reason and the cure in its text."""

    exit_code = 1

    def __init__(self, **values: object) -> None:
        self.values = values
        text = inspect.cleandoc(type(self).__doc__ or "")
        super().__init__(text.format(**{k: v if k.endswith("_text") else repr(v) for k, v in values.items()}))


class DefinitionError(PersonaError, ValueError):
    """{problems_text}"""

    exit_code = 2

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__(problems_text="\n".join(str(p) for p in problems))


class Problem:
    """One thing wrong in a definition file: where it stands, its key's path, what is wrong, how to cure it."""

    __slots__ = ("column", "cure", "file", "line", "message", "path")

    def __init__(self, *, file: str, line: int, column: int, path: str, message: str, cure: str = "") -> None:
        self.file, self.line, self.column = file, line, column
        self.path, self.message, self.cure = path, message, cure

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        key = f" {self.path}:" if self.path else ""
        return f"{where}:{key} {self.message}" + (f" {self.cure}" if self.cure else "")


class PluginNotFound(PersonaError, LookupError):
    """No {kind_text} is named {name}. There are: {known_text}. Run `persona plugins` to see where each comes from."""

    exit_code = 2


class PluginBroken(PersonaError, ImportError):
    """The {kind_text} {name} from {source_text} cannot be loaded: {cause_text}. Mend or remove it; `persona plugins` shows its state."""

    exit_code = 2


class DataFolderInUse(PersonaError, RuntimeError):
    """The data folder {folder_text} is already in use by process {owner_text}. Stop that process, or give this one another folder with --data."""

    exit_code = 3


class ModelNotFound(PersonaError, LookupError):
    """The model file {file_text} is not there. {cure_text}"""

    exit_code = 4


class ModelNotTrusted(PersonaError, ValueError):
    """The model {file_text} is refused: {cause_text}."""

    exit_code = 4


class DeviceMissing(PersonaError, ValueError):
    """The model shall run on {device}, but on this machine torch finds {found_text}. Set `device` to one of these, or auto."""

    exit_code = 2


class PrecisionMissing(PersonaError, ValueError):
    """Products in {precision} are not to be had on this machine's {device}. Set the precision to auto, float32 or bfloat16."""

    exit_code = 2


class BadTrainingData(PersonaError, ValueError):
    """The training data at {place_text} cannot be used: {cause_text}. Nothing was trained."""

    exit_code = 2


class SecretMissing(PersonaError, LookupError):
    """The environment variable {name_text} is not set, and {path_text} in the persona file needs it. Set it and start again."""

    exit_code = 2


class GenerationForbidden(PersonaError, RuntimeError):
    """A test asked a real model to write while real generation is forbidden. Use persona.testing.EchoChatModel, or mark the test with @pytest.mark.model."""


class ChannelError(PersonaError, RuntimeError):
    """The channel {channel} could not do it: {cause_text}."""

    exit_code = 5

    def __init__(self, *, retry_after: timedelta | None = None, **values: object) -> None:
        """`retry_after` is how long the network asked to be left alone; see `persona.retry_after`."""
        self.retry_after = retry_after
        super().__init__(**values)


class ChannelRefused(ChannelError):
    """The channel {channel} does not let this account in: {cause_text}. Give it a valid token or account, then run `persona channel resume`."""


class PostRefused(ChannelError):
    """The channel {channel} will never take this text: {cause_text}. See `persona outbox`."""


class SendUncertain(ChannelError):
    """The channel {channel} did not say whether the post with key {key} went out: {cause_text}."""


class ForgetsNothing(PersonaError, ValueError):
    """Nothing says what is to be forgotten. Name a persona, an author or a record id."""

    exit_code = 2


class DraftNotFound(PersonaError, LookupError):
    """No draft or post is called {ref}. Give the number or the first characters of the key that `persona queue` prints, or a post's id."""

    exit_code = 2


class DraftAmbiguous(PersonaError, LookupError):
    """{ref} is the beginning of more than one key: {found_text}. Give more of it."""

    exit_code = 2


class DraftNotHeld(PersonaError, RuntimeError):
    """The draft {ref} is not held any more: it is {state_text}. Nothing was changed; `persona why` tells how it came to that."""

    exit_code = 6


class WrongState(PersonaError, RuntimeError):
    """The text {ref} is {state_text}, so it cannot be {what_text}. Nothing was changed; `persona outbox` lists what can."""

    exit_code = 6


class NoSuchPersona(PersonaError, LookupError):
    """No persona is called {name}. There are: {known_text}."""

    exit_code = 2


class EditRefused(PersonaError, ValueError):
    """The new text is refused: {reasons_text}. Change it and try again; the draft is still held."""

    exit_code = 6


class NothingHereYet(PersonaError, FileNotFoundError):
    """There is no data in {folder_text} yet. Run `persona rehearse` (or `persona run`) first, or name another folder with --data."""

    exit_code = 2


class PortTaken(PersonaError, OSError):
    """Cannot listen on {host_text}, port {port_text}: {cause_text}. Choose another with --port."""

    exit_code = 5


class TokenRefused(PersonaError, ValueError):
    """The page's token cannot be used: {cause_text}. Put a long random one into an environment variable and name it: --token env:PAGE_TOKEN."""

    exit_code = 2


class CommentsUnreadable(PersonaError, ValueError):
    """The comments file {file_text}, line {line}, cannot be read: {cause_text}. Each line is one JSON object with `intent` and `text`, or one with `product` and `comments`."""

    exit_code = 2


class BackupBroken(PersonaError, ValueError):
    """The backup {backup_text} cannot be restored: {cause_text}. Nothing was changed; take another backup."""

    exit_code = 2


class WouldOverwrite(PersonaError, FileExistsError):
    """{file_text} is there already and is left as it is. Remove it, or name another place."""

    exit_code = 2


class AuthorOnSeveralChannels(PersonaError, ValueError):
    """{author} is known on more than one channel ({channels_text}), and they may be different people. Name one with --channel, or say --channel all."""

    exit_code = 2


class AuthorIsAPersona(PersonaError, ValueError):
    """{author} is one of your own personas, not a reader. To erase what it remembers, name it with --persona."""

    exit_code = 2


class ForgettingWaits(PersonaError, RuntimeError):
    """The database {file_text} is being read by another process, so deleted bytes cannot be removed from it yet. Stop `persona serve` and whatever else reads it, and give the same command again: it goes on from here."""

    exit_code = 3


class MixedVectors(PersonaError, ValueError):
    """The journal holds vectors of several embedding models ({models_text}), which cannot be compared with each other. Run `persona memory reindex --embed`: it embeds all texts with the model of the personas file."""


class ChromaServerAway(PersonaError, ConnectionError):
    """The Chroma server at {url_text} does not answer: {cause_text}. Start it (`chroma run`), or take `memory: {{url: ...}}` out of the personas file."""

    exit_code = 5
