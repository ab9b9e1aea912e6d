"""After and beside the search: verify, report, dashboard. Plotly lives here."""
