"""What a check finds."""

OK, WARNING, WRONG = "ok     ", "warning", "WRONG  "

Finding = tuple[str, str]  # OK, WARNING or WRONG, and a sentence


def gibibytes(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB"
