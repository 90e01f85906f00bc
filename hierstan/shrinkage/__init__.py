"""What partial pooling does to each group: table, weights, pooling factors, regions."""

from hierstan.shrinkage.information import GroupInformation, information_of
from hierstan.shrinkage.pooling import pooling_table
from hierstan.shrinkage.regions import Region, Regions, shrinkage_regions
from hierstan.shrinkage.table import PRIOR_ONLY, shrinkage_table

__all__ = [
    "PRIOR_ONLY",
    "GroupInformation",
    "Region",
    "Regions",
    "information_of",
    "pooling_table",
    "shrinkage_regions",
    "shrinkage_table",
]
