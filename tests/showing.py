"""What a failure shows, for tests that look for secrets in it."""

from __future__ import annotations

import traceback


def shown(failure: BaseException) -> str:
    """All that a failure can show, whatever it was raised from or while handling."""
    seen: list[str] = []
    chain: BaseException | None = failure
    while chain is not None:
        seen += [repr(chain), str(chain), repr(vars(chain))]
        chain = chain.__cause__ or chain.__context__
    return "\n".join([*seen, *traceback.format_exception(failure)])
