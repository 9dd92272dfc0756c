"""Runs all checks."""

import click

from fathom.doctor.cache import check_cache, check_own_data
from fathom.doctor.every_setting import check_settings
from fathom.doctor.findings import WRONG
from fathom.doctor.folders import check_folders
from fathom.doctor.hardware import check_hardware
from fathom.doctor.packages import check_packages
from fathom.doctor.repository import check_line_endings, check_repository
from fathom.doctor.variables import check_variables

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
