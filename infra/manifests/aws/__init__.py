"""Pure functions from models to what AWS takes: policies, access strings, alarms, templates."""
