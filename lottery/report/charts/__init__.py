"""Charts: Vega-Lite specifications as plain dictionaries, and the tables that they show."""
