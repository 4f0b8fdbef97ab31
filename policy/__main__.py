"""Serves the policy pack; Pulumi runs this folder."""

from pulumi_policy import PolicyPack

from celery_policy.binding import policies
from celery_policy.rules import RULES

PolicyPack("celery", policies(RULES))
