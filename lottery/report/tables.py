"""What the plugin shows and writes, under one name."""

from lottery.claims.results import in_order
from lottery.report.files import write
from lottery.report.plan_table import plan_table
from lottery.report.remarks import levels, remarks
from lottery.report.results_table import heading, ours, summary, table

__all__ = ["heading", "in_order", "levels", "ours", "plan_table", "remarks", "summary", "table", "write"]
