"""The foundation of every other package, which imports none of them.

Read in this order:

1. `errors`: errors of one line for what a user can correct.
2. `paths`: where the project's files are.
3. `files`: atomic writes, and readers that name the stage that makes a missing file.
4. `blocks`: tables and arrays larger than memory, a block of rows at a time.
"""
