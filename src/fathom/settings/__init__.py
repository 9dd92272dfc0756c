"""Settings: what they may be, and how a stage gets them.

Read in this order:

1. `config`: the whole configuration; `fields`, `data_settings`, `search_settings`: its sections.
2. `compose`: from a command line to a checked configuration; makes a function a stage.
3. `instantiate`: calls what a `_target_` names.
"""
