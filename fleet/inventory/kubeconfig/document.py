"""A whole kubeconfig: its contexts, each as far as it can be used."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fleet.errors import UsageError
from fleet.inventory.kubeconfig.context import KubeconfigContext, read_context
from fleet.inventory.kubeconfig.form import Document
from fleet.inventory.kubeconfig.named_file import UnreadableFile, read_named_file
from fleet.inventory.untrusted_yaml import LARGEST_CHARACTERS, load_untrusted

EntryT = TypeVar("EntryT")


class Kubeconfig(BaseModel):
    """The contexts of one file, in its order, and the name of the current one ("" for none)."""

    model_config = ConfigDict(frozen=True)

    contexts: list[KubeconfigContext]
    current: str = ""


def load_kubeconfig(file: Path) -> Kubeconfig:
    """The contexts of a kubeconfig's file, as ``read_kubeconfig`` reads them.

    Raises:
        UsageError: the file cannot be read, or is no kubeconfig.
    """
    try:
        text = read_named_file(Path(), str(file), LARGEST_CHARACTERS).decode()
    except UnreadableFile as unreadable:
        raise UsageError(f"{unreadable}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no kubeconfig: it is no UTF-8 text.") from None
    return read_kubeconfig(text, file.parent, str(file))


def read_kubeconfig(text: str, directory: Path, place: str) -> Kubeconfig:
    """The contexts of a kubeconfig. Nothing that it names is run; the files that it names are read.

    Args:
        text: the file's text.
        directory: where the file lies: relative paths in it start there.
        place: the file's name, for messages.

    Raises:
        UsageError: it is no kubeconfig, or two of its entries have one name.
    """
    try:
        document = Document.model_validate(load_untrusted(text, place))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the document"
        raise UsageError(f"{place} is no kubeconfig: {field}: {first['msg']}.") from None
    clusters = _by_name([(each.name, each.cluster) for each in document.clusters], f"{place}: clusters")
    users = _by_name([(each.name, each.user) for each in document.users], f"{place}: users")
    contexts = _by_name([(each.name, each.context) for each in document.contexts], f"{place}: contexts")
    read = [
        read_context(name, clusters.get(context.cluster), users.get(context.user), directory)
        for name, context in contexts.items()
    ]
    return Kubeconfig(contexts=read, current=document.current)


def _by_name(entries: list[tuple[str, EntryT]], place: str) -> dict[str, EntryT]:
    named = dict(entries)
    if len(named) < len(entries):
        raise UsageError(f"{place}: two entries have the same name.")
    return named
