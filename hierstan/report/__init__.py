"""What is left on disk: a page, tables, pictures, draws and ``results.json``."""

from hierstan.report.directory import check_target, write_report
from hierstan.report.results import crosscheck_results, results, to_json

__all__ = ["check_target", "crosscheck_results", "results", "to_json", "write_report"]
