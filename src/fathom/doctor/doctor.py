"""Runs all checks."""

import click

from fathom.doctor.computer import check_hardware, check_packages, check_variables
from fathom.doctor.findings import WRONG
from fathom.doctor.project import (
    check_cache,
    check_folders,
    check_line_endings,
    check_own_data,
    check_repository,
    check_settings,
)

CHECKS = (  # in the order of the lines
    check_packages,
    check_variables,
    check_hardware,
    check_folders,
    check_settings,
    check_repository,
    check_line_endings,
    check_own_data,
    check_cache,
)


def run_checks() -> bool:
    """Print all findings. Return whether nothing is wrong."""
    sound = True
    for check in CHECKS:
        for state, sentence in check():
            click.echo(f"{state}  {sentence}")
            sound = sound and state != WRONG
    return sound
