"""How often drift detection alarms without a reason, and how soon with one, over real texts and photos."""
