"""The dashboard of Grafana, written from here: ``python -m deploy.grafana`` writes ``tandem.json`` anew."""
