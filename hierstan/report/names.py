"""Names of files."""

import hashlib
import re

from hierstan.design import Factor


def factor_file(factor: Factor) -> str:
    """Return a factor's part of file names: letters, digits and ``_-.``, at most 80.

    A name that had to be changed keeps apart from others by a few digits of its hash:
    ``a:b`` is not ``a_b``.
    """
    safe = re.sub(r"[^\w.-]", "_", factor.name).lstrip(".")[:80]
    if safe == factor.name:
        return safe
    return f"{safe}_{hashlib.sha256(factor.name.encode()).hexdigest()[:6]}"
