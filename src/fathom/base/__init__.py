"""The foundation of every other package, which imports none of them.

Read in this order:

1. `errors`: errors of one line for what a user can correct.
2. `paths`: where the project's files are.
3. `files`: atomic writes, and readers that name the stage that makes a missing file.
4. `system_errors`: what a library's error says of a full disk, for example.
5. `locks`: so that two processes do not write the same output.
6. `blocks`: tables and arrays larger than memory, a block of rows at a time.
7. `templates`: pages, model cards and programs from templates.
"""
