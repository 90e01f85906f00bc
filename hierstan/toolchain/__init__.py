"""A CmdStan for every machine: find the user's, or build the embedded one."""

from hierstan.toolchain.build import build, clean, ensure
from hierstan.toolchain.doctor import Report, diagnose
from hierstan.toolchain.info import Info, info
from hierstan.toolchain.locate import CmdStan, locate

__all__ = [
    "CmdStan",
    "Info",
    "Report",
    "build",
    "clean",
    "diagnose",
    "ensure",
    "info",
    "locate",
]
