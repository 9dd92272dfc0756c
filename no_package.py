"""The build backend of pyproject.toml: Fathom is a project to clone, not a package to install."""

raise SystemExit("Fathom is a project to clone, not a package: run `make repro` in its folder")
