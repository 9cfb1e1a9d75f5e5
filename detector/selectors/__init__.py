"""Reads. Pages, views and the engine ask here; nothing in these modules writes."""
