"""The Prefect block that says how long data are kept."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field

from storage.retention.lifetimes import Lifetimes


class DataLifetimes(Block):
    """How many days each kind of data is kept."""

    _block_type_name = "Data lifetimes"
    _block_type_slug = "data-lifetimes"
    _description = "Days that frames, evidence, results and reports are kept."

    lifetimes: Lifetimes = Field(default_factory=Lifetimes, description="Days by kind of data")
