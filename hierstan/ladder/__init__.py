"""Why a posterior and a mixed-model fit differ, step by step."""

from hierstan.ladder.check import CrossCheck
from hierstan.ladder.curves import Panel, panels
from hierstan.ladder.joint import JointMode, joint_mode
from hierstan.ladder.run import crosscheck

__all__ = ["CrossCheck", "JointMode", "Panel", "crosscheck", "joint_mode", "panels"]
