"""A cluster's validation as people read it. Text from clusters is escaped."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table

from fleet.collectors.kubernetes.rights import ROLE_NAME, cluster_role
from fleet.inventory.validation import ClusterValidation, EndpointStatus, EndpointValidation, RightReview
from interfaces.cli.tables import printable

MISSING_ROLE_NAME = f"{ROLE_NAME}-missing"
"""A role of its own: under the whole role's name it would take away what is granted already."""

_ALLOWED = {True: "[green]granted[/]", False: "[bold red]missing[/]", None: "[yellow]unknown[/]"}


def print_validation(console: Console, validation: ClusterValidation, *, all_rights: bool = False) -> None:
    """Each endpoint, then the rights that are missing (or all of them) and the ClusterRole that grants them."""
    console.print(endpoints_table(validation))
    if not validation.rights:
        console.print("rights: not asked for, no Kubernetes API is registered")
        return
    counted = Counter(review.allowed for review in validation.rights)
    console.print(f"rights: {counted[True]} granted, {counted[False]} missing, {counted[None]} unknown")
    shown = [review for review in validation.rights if all_rights or review.allowed is False]
    if shown:
        console.print(rights_table(shown))
    for reason, number in Counter(review.reason for review in validation.rights if review.allowed is None).items():
        console.print(f"  [yellow]unknown[/] ({number}): {printable(reason)}")
    if counted[False]:
        console.print("[bold]what to do:[/] bind this ClusterRole to the credential's user")
    if shown:
        name = ROLE_NAME if all_rights else MISSING_ROLE_NAME
        console.print(cluster_role([review.right for review in shown], name), markup=False, soft_wrap=True)


def endpoints_table(validation: ClusterValidation) -> Table:
    """What each endpoint answered."""
    table = Table()
    for name in ("endpoint", "status", "latency", "version", "message", "what to do"):
        # Addresses are folded, not cut: people copy them.
        table.add_column(name, overflow="fold")
    for each in validation.endpoints:
        style = "green" if each.status is EndpointStatus.OK else "bold red"
        latency = "" if each.latency_seconds is None else f"{each.latency_seconds * 1000:.0f} ms"
        table.add_row(
            _endpoint(each),
            f"[{style}]{each.status.value}[/]",
            latency,
            printable(each.version),
            printable(_message(each)),
            printable(each.hint),
        )
    return table


def rights_table(reviews: list[RightReview]) -> Table:
    """Rights, whether they are granted, and what they are needed for."""
    table = Table("right", "status", "needed for")
    for review in reviews:
        table.add_row(printable(str(review.right)), _ALLOWED[review.allowed], printable(review.needed_for))
    return table


def _endpoint(each: EndpointValidation) -> str:
    unverified = "" if each.verify_tls else "\n[yellow]TLS not verified[/]"
    return f"[bold]{each.kind.value}[/]\n{printable(each.url)}{unverified}"


def _message(each: EndpointValidation) -> str:
    """The message without the address before it, which stands beside it."""
    return each.message.removeprefix(each.url).lstrip(": ")
