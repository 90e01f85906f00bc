"""What a formula means for a data set, and how others would be asked for the model."""

from hierstan.description.page import Description, describe

__all__ = ["Description", "describe"]
