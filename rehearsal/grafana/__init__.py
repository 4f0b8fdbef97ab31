"""A stand-in for Grafana: it draws the panels of a dashboard's file, and serves nothing.

It knows what the fleet's dashboards use of Grafana: four kinds of panel, thresholds, units, the
transformations `merge` and `organize`, overrides by name and by query.
"""
