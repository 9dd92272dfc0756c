"""`fathom doctor`: tells beforehand what would fail. `doctor` runs the checks of
`computer` and of `project`.

A check yields findings: a state and a sentence that says what to do. WRONG: a stage would fail.
"""
