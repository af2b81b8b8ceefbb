"""Dagster as processes beside us: its home, its servers, and runs for whoever asks."""
