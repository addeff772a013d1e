"""``report.html``: what the gate measured of both towers, on one page that needs nothing else."""
