"""Recipes that make or tune towers: the sample's vision tower, and a projection head for a frozen backbone."""
